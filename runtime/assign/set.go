package assign

import (
	"slices"

	"github.com/moldau-io/moldau/runtime/state"
)

// set holds values once each, in the order they came.
type set[T comparable] struct {
	list []T
	has  map[T]bool
}

func newSet[T comparable](values ...[]T) set[T] {
	var s set[T]
	for _, v := range values {
		s.add(v...)
	}
	return s
}

func (s *set[T]) add(values ...T) {
	if s.has == nil {
		s.has = make(map[T]bool, len(values))
	}
	for _, v := range values {
		if !s.has[v] {
			s.has[v] = true
			s.list = append(s.list, v)
		}
	}
}

// minus returns the values that are in none of the others.
func (s set[T]) minus(others ...set[T]) set[T] {
	return s.filter(func(v T) bool {
		for _, o := range others {
			if o.has[v] {
				return false
			}
		}
		return true
	})
}

// and returns the values that are in the other too.
func (s set[T]) and(o set[T]) set[T] {
	return s.filter(func(v T) bool { return o.has[v] })
}

func (s set[T]) filter(keep func(T) bool) set[T] {
	var r set[T]
	for _, v := range s.list {
		if keep(v) {
			r.add(v)
		}
	}
	return r
}

func (s set[T]) meets(o set[T]) bool {
	return slices.ContainsFunc(s.list, func(v T) bool { return o.has[v] })
}

func (s set[T]) sorted(cmp func(a, b T) int) set[T] {
	list := slices.Clone(s.list)
	slices.SortFunc(list, cmp)
	return newSet(list)
}

// work is a set of connectors and one of tasks.
type work struct {
	connectors set[string]
	tasks      set[state.TaskID]
}

func (w work) empty() bool { return len(w.connectors.list) == 0 && len(w.tasks.list) == 0 }

func (w *work) add(o work) {
	w.connectors.add(o.connectors.list...)
	w.tasks.add(o.tasks.list...)
}

func (w work) minus(others ...work) work {
	for _, o := range others {
		w.connectors = w.connectors.minus(o.connectors)
		w.tasks = w.tasks.minus(o.tasks)
	}
	return w
}

func (w work) and(o work) work {
	return work{w.connectors.and(o.connectors), w.tasks.and(o.tasks)}
}

func (w work) meets(o work) bool {
	return w.connectors.meets(o.connectors) || w.tasks.meets(o.tasks)
}

// clone returns a copy that can be added to without changing w.
func (w work) clone() work {
	return work{newSet(w.connectors.list), newSet(w.tasks.list)}
}

// union returns everything any of them holds.
func union(all ...work) work {
	var u work
	for _, w := range all {
		u.add(w)
	}
	return u
}
