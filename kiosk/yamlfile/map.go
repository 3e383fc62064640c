package yamlfile

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// Map is a value's keys.
type Map struct {
	in     Value
	keys   []string // in the file's order
	fields map[string]Value
}

// Map reads a map that may have these keys and no other. An unknown key and a
// key written twice are mistakes.
func (v Value) Map(keys ...string) Map {
	m := v.FreeMap()
	known := make(map[string]bool, len(keys))
	for _, k := range keys {
		known[k] = true
	}
	for _, k := range m.keys {
		if !known[k] {
			m.fields[k].Fail("« %s » n’est pas une clé connue ici : les clés possibles sont %s", k, strings.Join(keys, ", "))
		}
	}
	return m
}

// FreeMap reads a map with any keys, such as the options of a device.
func (v Value) FreeMap() Map {
	m := Map{in: v, fields: map[string]Value{}}
	if !v.IsSet() {
		return m
	}
	if v.node.Kind != yaml.MappingNode {
		v.Fail("il faut ici des lignes « clé: valeur »")
		return m
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key, value := v.node.Content[i], v.node.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			v.doc.fail(key.Line, "une clé doit être un mot simple")
			continue
		}
		if first, ok := m.fields[key.Value]; ok {
			v.doc.fail(key.Line, "« %s » est déjà écrit ligne %d : gardez-en un seul", key.Value, first.line)
			continue
		}
		m.keys = append(m.keys, key.Value)
		m.fields[key.Value] = Value{doc: v.doc, node: value, line: key.Line}
	}
	return m
}

// Opt returns a key's value, which may be not set.
func (m Map) Opt(key string) Value {
	if v, ok := m.fields[key]; ok {
		return v
	}
	return Value{doc: m.in.doc, line: m.in.line}
}

// Need returns a key's value; a mistake is reported when it is not set.
func (m Map) Need(key string) Value {
	v := m.Opt(key)
	// A map that is missing or is no map was reported already.
	if !v.IsSet() && m.in.IsSet() && m.in.node.Kind == yaml.MappingNode {
		v.Fail("il manque « %s: » : ajoutez-le", key)
	}
	return v
}

// Keys returns the map's keys in the file's order.
func (m Map) Keys() []string { return m.keys }

// Texts reads every key's value as a text.
func (m Map) Texts() map[string]string {
	out := make(map[string]string, len(m.keys))
	for _, k := range m.keys {
		out[k] = m.fields[k].Text()
	}
	return out
}
