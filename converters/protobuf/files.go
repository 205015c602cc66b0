package protobuf

import (
	"math"
	"strconv"

	"github.com/moldau-io/moldau/connect/errs"
)

// maxSchemaDepth bounds schemas in schemas. Java's stack ends not far beyond.
const maxSchemaDepth = 1000

// set is a file with all that it imports (DynamicSchema). Types are found by their full
// name, and by their name without the package where it is the only such one.
type set struct {
	root       *linked
	short, all map[string]*message
	enumShort  map[string]*enum
	enumAll    map[string]*enum
}

// assemble links a file and what it imports. Imports that are nowhere are left out: they
// matter only where something of them is used.
func assemble(root *fileDef, imported func(name string) *fileDef) (*set, error) {
	files := map[string]*linked{}
	var order []*linked
	var visit func(name string, def *fileDef, depth int) (*linked, error)
	open := map[string]bool{}
	visit = func(name string, def *fileDef, depth int) (*linked, error) {
		if depth > maxDepth {
			return nil, errDeep
		}
		if open[name] {
			return nil, errs.New(errs.ClassIllegalState, "%s imports itself", name)
		}
		open[name] = true
		defer delete(open, name)
		var deps []*linked
		for _, names := range [][]string{def.imports, def.public} {
			for _, n := range names {
				d, ok := files[n]
				if !ok {
					f := imported(n)
					if f == nil {
						continue
					}
					var err error
					if d, err = visit(n, f.reformed(), depth+1); err != nil {
						return nil, err
					}
				}
				deps = append(deps, d)
			}
		}
		l, err := link(name, def, deps)
		if err != nil {
			return nil, err
		}
		files[name] = l
		order = append(order, l)
		return l, nil
	}
	l, err := visit("", root, 0)
	if err != nil {
		return nil, err
	}
	s := &set{root: l, short: map[string]*message{}, all: map[string]*message{}, enumShort: map[string]*enum{}, enumAll: map[string]*enum{}}
	return s, s.index(order)
}

func (s *set) index(files []*linked) error {
	duplicates, enumDuplicates := map[string]bool{}, map[string]bool{}
	duplicate := func(full string) error { return errs.IllegalArgument("%s", "duplicate name: "+full) }
	addEnum := func(e *enum, scope string) error {
		name := join(scope, e.def.name)
		if s.enumAll[e.full] != nil {
			return duplicate(e.full)
		}
		if s.enumShort[name] != nil {
			enumDuplicates[name] = true
		}
		s.enumAll[e.full], s.enumShort[name] = e, e
		return nil
	}
	var add func(m *message, scope string) error
	add = func(m *message, scope string) error {
		name := join(scope, m.def.name)
		if s.all[m.full] != nil {
			return duplicate(m.full)
		}
		if s.short[name] != nil {
			duplicates[name] = true
		}
		s.all[m.full], s.short[name] = m, m
		for _, n := range m.messages {
			if err := add(n, name); err != nil {
				return err
			}
		}
		for _, e := range m.enums {
			if err := addEnum(e, name); err != nil {
				return err
			}
		}
		return nil
	}
	for _, f := range files {
		for _, m := range f.messages {
			if err := add(m, ""); err != nil {
				return err
			}
		}
		for _, e := range f.enums {
			if err := addEnum(e, ""); err != nil {
				return err
			}
		}
	}
	for name := range duplicates {
		delete(s.short, name)
	}
	for name := range enumDuplicates {
		delete(s.enumShort, name)
	}
	return nil
}

// message finds a message by either name, or returns nil.
func (s *set) message(name string) *message {
	if m := s.short[name]; m != nil {
		return m
	}
	return s.all[name]
}

// enum finds an enum by either name, or returns nil.
func (s *set) enum(name string) *enum {
	if e := s.enumShort[name]; e != nil {
		return e
	}
	return s.enumAll[name]
}

// indexes are the places of a message among those it is defined with, from the outside
// in (ProtobufSchema.toMessageIndexes). Parts of the name that are no message count for
// nothing.
func (f *fileDef) indexes(full string) []int {
	indexes := []int{}
	in := f.messages
	for _, part := range javaSplit(full) {
		for i, m := range in {
			if m.name == part {
				indexes, in = append(indexes, i), m.messages
				break
			}
		}
	}
	return indexes
}

// nameAt is the full name of the message at some places (ProtobufSchema.toMessageName).
func (f *fileDef) nameAt(indexes []int) (string, bool) {
	in, name := f.messages, f.pkg
	for _, i := range indexes {
		if i < 0 || i >= len(in) {
			return "", false
		}
		name, in = join(name, in[i].name), in[i].messages
	}
	return name, len(indexes) > 0
}

// parseFloat reads what Java's Float.valueOf and the text format take.
func parseFloat(text string) (float64, bool) {
	switch text {
	case "inf", "Infinity":
		return math.Inf(1), true
	case "-inf", "-Infinity":
		return math.Inf(-1), true
	case "nan", "NaN":
		return math.NaN(), true
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(v, 0) {
		return 0, false
	}
	return v, true
}

func floatBits(k kind, v float64) uint64 {
	if k == floatKind {
		return uint64(math.Float32bits(float32(v)))
	}
	return math.Float64bits(v)
}
