// post hands an action over and says how it went: the answer's status, 0 when
// nobody answered.
export async function post(name, args, last = false) {
  try {
    const answer = await fetch(`/act/${name}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(args),
      keepalive: last, // it outlives the page
    });
    return answer.status;
  } catch {
    return 0;
  }
}
