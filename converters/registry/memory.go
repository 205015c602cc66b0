package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"sync"
)

// Memory is a registry in memory that counts ids from 1 and does not check compatibility
// (MockSchemaRegistryClient).
type Memory struct {
	canonical func(Document) string

	mu       sync.Mutex
	subjects map[string][]Registered // by version
	byID     map[int32]Document
	last     int32
	added    []Registered
}

var _ Client = (*Memory)(nil)

// NewMemory returns an empty registry. canonical gives equal texts for documents that
// are one schema; without it, documents are told apart by their text, or by their
// JSON.
func NewMemory(canonical func(Document) string) *Memory {
	if canonical == nil {
		canonical = compact
	}
	return &Memory{canonical: canonical, subjects: map[string][]Registered{}, byID: map[int32]Document{}}
}

func compact(d Document) string {
	var b bytes.Buffer
	if d.Format == Protobuf || json.Compact(&b, []byte(d.Text)) != nil {
		return d.Text
	}
	return b.String()
}

func (m *Memory) same(a, b Document) bool {
	return a.Format == b.Format && slices.Equal(a.References, b.References) && (a.Text == b.Text || m.canonical(a) == m.canonical(b))
}

// guid is that of the canonical text, which is not the registered one for Protobuf.
func (m *Memory) guid(d Document) string {
	if d.Format == Protobuf {
		d.Text = m.canonical(d)
	}
	return guid(d)
}

func notFound(code int, what string) error {
	return &Error{Status: 404, Code: code, Message: what + " Not Found"}
}

// Add puts a version that is there beforehand.
func (m *Memory) Add(r Registered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.GUID == "" {
		r.GUID = m.guid(r.Document)
	}
	m.subjects[r.Subject] = append(m.subjects[r.Subject], r)
	m.byID[r.ID] = r.Document
	m.last = max(m.last, r.ID)
}

// Added are the versions that were registered, in order, those of Add left out.
func (m *Memory) Added() []Registered {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.added)
}

// Register implements Client.
func (m *Memory) Register(_ context.Context, subject string, d Document, _ bool) (Registered, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	versions := m.subjects[subject]
	next := int32(1)
	for _, r := range versions {
		if m.same(r.Document, d) {
			return r, nil
		}
		next = max(next, r.Version+1)
	}
	r := Registered{Document: d, GUID: m.guid(d), Subject: subject, Version: next}
	for id, known := range m.byID {
		if m.same(known, d) && (r.ID == 0 || id < r.ID) {
			r.ID = id
		}
	}
	if r.ID == 0 {
		m.last++
		r.ID = m.last
		m.byID[r.ID] = d
	}
	m.subjects[subject] = append(versions, r)
	m.added = append(m.added, r)
	return r, nil
}

// Lookup implements Client.
func (m *Memory) Lookup(_ context.Context, subject string, d Document, _, deleted bool) (Registered, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	versions := m.subjects[subject]
	for _, r := range versions {
		if m.same(r.Document, d) {
			r.Document = d
			return r, nil
		}
	}
	if len(versions) == 0 || deleted { // the mock's versions know but one error
		return Registered{}, notFound(40401, "Subject")
	}
	return Registered{}, notFound(40403, "Schema")
}

// ByID implements Client.
func (m *Memory) ByID(_ context.Context, _ string, id int32) (Document, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if d, ok := m.byID[id]; ok {
		return d, nil
	}
	return Document{}, notFound(40401, "Subject")
}

// ByGUID implements Client.
func (m *Memory) ByGUID(_ context.Context, id string) (Document, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.byID {
		if m.guid(d) == id {
			return d, nil
		}
	}
	return Document{}, notFound(40403, "Schema")
}

// Latest implements Client.
func (m *Memory) Latest(_ context.Context, subject string) (Registered, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	versions := m.subjects[subject]
	if len(versions) == 0 {
		return Registered{}, notFound(40401, "Subject")
	}
	return slices.MaxFunc(versions, func(a, b Registered) int { return int(a.Version - b.Version) }), nil
}

// LatestWithMetadata implements Client.
func (m *Memory) LatestWithMetadata(_ context.Context, subject string, metadata map[string]string) (Registered, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range slices.Backward(m.subjects[subject]) {
		all := true
		for name, value := range metadata {
			all = all && r.Metadata[name] == value
		}
		if all {
			return r, nil
		}
	}
	return Registered{}, notFound(40403, "Schema")
}

// ByVersion implements Client.
func (m *Memory) ByVersion(_ context.Context, subject string, version int32) (Registered, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.subjects[subject] {
		if r.Version == version {
			return r, nil
		}
	}
	return Registered{}, notFound(40401, "Subject")
}
