// What our own screens say, to be read aloud: what is seen of the heading, the
// texts and the buttons, in their order, a block a line. The list that is
// longer than the screen is read as far as it is seen.

const skip = 'svg, progress, canvas, .unseen, .skip, .tools, .steps, .brand, .clock, [aria-hidden="true"], template';

export function shownText() {
  const root = document.querySelector('dialog[open]') ?? document.querySelector('#main');
  const lines = [];
  let line = '';
  const end = () => {
    const text = line.replace(/[\s\u200b]+/g, ' ').trim();
    line = '';
    if (text && lines.at(-1) !== text) lines.push(text);
  };
  const read = (node) => {
    if (node.nodeType === Node.TEXT_NODE) {
      line += node.data;
      return;
    }
    if (!(node instanceof Element) || node.matches(skip) || !node.checkVisibility()) return;
    const box = node.getBoundingClientRect();
    if (box.bottom <= 0 || box.top >= innerHeight) return;
    const block = node.tagName === 'BUTTON' || getComputedStyle(node).display !== 'inline';
    if (block) end();
    for (const child of node.childNodes) read(child);
    if (block) end();
  };
  read(root);
  end();
  return lines.join('\n').slice(0, 5000);
}
