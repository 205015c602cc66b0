package protobuf

import (
	"strings"
	"unicode/utf8"
)

const entrySuffix = "Entry"

// mapEntry is the name of the message that holds a map's entries
// (ProtobufSchema.toMapEntry).
func mapEntry(name string) string {
	if !strings.Contains(name, "_") {
		return name + entrySuffix
	}
	var b strings.Builder
	for part := range strings.SplitSeq(name, "_") {
		if part != "" {
			b.WriteString(upper(part[:1]) + lower(part[1:]))
		}
	}
	return b.String() + entrySuffix
}

// mapField is the name of a map by that of its entries' message, with a namespace or
// without (ProtobufSchema.toMapField).
func mapField(name string) string {
	parts := javaSplit(name)
	last, ok := strings.CutSuffix(parts[len(parts)-1], entrySuffix)
	if !ok {
		return strings.Join(parts, ".")
	}
	var b strings.Builder
	for i := 0; i < len(last); i++ {
		if c := last[i]; c >= 'A' && c <= 'Z' && i > 0 {
			b.WriteByte('_')
		}
		b.WriteByte(last[i])
	}
	parts[len(parts)-1] = lower(b.String())
	return strings.Join(parts, ".")
}

// upper and lower change letters of ASCII alone, as Guava's CaseFormat does.
func upper(s string) string { return mapASCII(s, 'a', 'z') }
func lower(s string) string { return mapASCII(s, 'A', 'Z') }

func mapASCII(s string, from, to byte) string {
	b := []byte(s)
	for i, c := range b {
		if c >= from && c <= to {
			b[i] = c ^ 0x20
		}
	}
	return string(b)
}

// javaSplit splits at dots as String.split does: empty parts at the end are dropped.
func javaSplit(name string) []string {
	if name == "" {
		return []string{""}
	}
	parts := strings.Split(name, ".")
	for len(parts) > 0 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	return parts
}

func isPlain(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_'
}

// scrub makes a name one that Protobuf takes (ProtobufData.doScrubName).
func scrub(name string) string {
	if name == "" {
		return name
	}
	clean := name[0] != '_' && (name[0] < '0' || name[0] > '9')
	for i := 0; i < len(name); i++ {
		clean = clean && isPlain(name[i])
	}
	if clean {
		return name
	}
	const hex = "0123456789ABCDEF"
	var b []byte
	for _, r := range name {
		switch {
		case r < utf8.RuneSelf && isPlain(byte(r)):
			b = append(b, byte(r))
		case strings.ContainsRune(" -*.", r): // URL encoding has no hex digits for these
			b = append(b, '_')
		default:
			for _, c := range []byte(string(r)) {
				b = append(b, '_', hex[c>>4], hex[c&15])
			}
		}
	}
	if c := name[0]; c == '_' || c >= '0' && c <= '9' {
		b = append([]byte{'x'}, b...)
	}
	return string(b)
}
