package avro

import (
	"fmt"
	"slices"
	"strings"
)

// Incompatible says why a reader of a schema cannot read what was written with another:
// nothing where it can (SchemaCompatibility.checkReaderWriterCompatibility). Each reason
// names the path in the reader's schema.
func Incompatible(reader, writer *Schema) []string {
	c := &compatibility{seen: map[[2]*Schema]bool{}}
	c.check(reader, writer, "/")
	return c.found
}

type compatibility struct {
	seen  map[[2]*Schema]bool
	found []string
}

func (c *compatibility) report(path, format string, args ...any) bool {
	c.found = append(c.found, fmt.Sprintf(format, args...)+" at path "+path)
	return false
}

func at(path, step string) string { return strings.TrimSuffix(path, "/") + "/" + step }

// quietly checks without a report.
func (c *compatibility) quietly(r, w *Schema, path string) bool {
	n := len(c.found)
	ok := c.check(r, w, path)
	c.found = c.found[:n]
	return ok
}

func (c *compatibility) check(r, w *Schema, path string) bool {
	pair := [2]*Schema{r, w}
	if ok, seen := c.seen[pair]; seen {
		return ok
	}
	c.seen[pair] = true // until shown otherwise, for schemas that contain themselves
	ok := c.compare(r, w, path)
	c.seen[pair] = ok
	return ok
}

func (c *compatibility) compare(r, w *Schema, path string) bool {
	switch {
	case w.kind == kUnion:
		ok := true
		for _, t := range w.types {
			if r.kind != kUnion {
				ok = c.check(r, t, path) && ok
			} else if !c.quietly(r, t, path) {
				ok = c.report(path, "the reader's union lacks the writer's type %s", t.fullName())
			}
		}
		return ok
	case r.kind == kUnion:
		for i, t := range r.types {
			if c.quietly(t, w, at(path, fmt.Sprint(i))) {
				return true
			}
		}
		return c.report(path, "the reader's union lacks the writer's type %s", w.fullName())
	case r.kind != w.kind:
		if promotes(w.kind, r.kind) {
			return true
		}
		return c.report(path, "the reader's type %s is not compatible with the writer's type %s", r.kind, w.kind)
	case r.kind.isNamed() && r.name.simple != w.name.simple && !slices.Contains(r.aliases, w.name.full):
		return c.report(at(path, "name"), "expected the name %s", w.name.full)
	}
	return c.inside(r, w, path)
}

// inside compares types of one kind and name.
func (c *compatibility) inside(r, w *Schema, path string) bool {
	switch r.kind {
	case kArray:
		return c.check(r.items, w.items, at(path, "items"))
	case kMap:
		return c.check(r.items, w.items, at(path, "values"))
	case kFixed:
		if r.size != w.size {
			return c.report(at(path, "size"), "expected the size %d, found %d", w.size, r.size)
		}
	case kEnum:
		for _, s := range w.symbols {
			if r.enumDefault == nil && !slices.Contains(r.symbols, s) {
				return c.report(at(path, "symbols"), "the reader lacks the symbol %s", s)
			}
		}
	case kRecord:
		return c.fields(r, w, path)
	}
	return true
}

func (c *compatibility) fields(r, w *Schema, path string) bool {
	ok := true
	for i := range r.fields {
		f := &r.fields[i]
		of := w.field(f.name)
		for _, a := range f.aliases {
			if of == nil {
				of = w.field(a)
			}
		}
		where := at(path, fmt.Sprintf("fields/%d", i))
		switch {
		case of != nil:
			ok = c.check(f.schema, of.schema, at(where, "type")) && ok
		case f.def == nil && (f.schema.kind != kEnum || f.schema.enumDefault == nil):
			ok = c.report(where, "the writer lacks the field %s, which has no default", f.name)
		}
	}
	return ok
}
