package estest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Doc is a document.
type Doc struct {
	Version int64
	Source  map[string]any
	Raw     json.RawMessage // as it was sent
}

// Item is one action of a bulk request.
type Item struct {
	Op, Index, ID string
	Version       int64
	VersionType   string
	RetryConflict int
	Source        json.RawMessage // the document; of an update the whole line
}

// Reject is what a hook answers for an item; nil lets it pass.
type Reject struct {
	Status int
	Type   string
	Reason string
}

// Request is a request as it was received, decompressed.
type Request struct {
	Method, Path string
	Header       http.Header
	Body         []byte
}

// Server is an http.Handler. Set its hooks before it is used.
type Server struct {
	// OnRequest may answer a request itself; it returns true when it has.
	OnRequest func(w http.ResponseWriter, r Request) bool
	// OnItem may reject an item of a bulk request.
	OnItem func(i Item) *Reject
	// Version and Distribution are what the server says of itself.
	Version, Distribution string
	// NoProduct leaves out the header by which clients know Elasticsearch.
	NoProduct bool
	// Strict are fields that must be of a JSON type: "number", "string" or "object".
	Strict map[string]string

	mu       sync.Mutex
	indices  map[string]map[string]Doc
	mappings map[string]json.RawMessage
	streams  map[string]bool
	aliases  map[string]bool
	requests []Request
	bulks    [][]Item
	made     int
	deleted  map[string]int64 // versions of deleted documents
}

// New returns an empty server.
func New() *Server {
	return &Server{
		Version: "8.19.0", indices: map[string]map[string]Doc{}, mappings: map[string]json.RawMessage{},
		streams: map[string]bool{}, aliases: map[string]bool{}, deleted: map[string]int64{},
	}
}

// CreateIndex makes an index, with a mapping unless it is "".
func (s *Server) CreateIndex(name, mapping string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.indices[name] = map[string]Doc{}
	if mapping != "" {
		s.mappings[name] = json.RawMessage(mapping)
	}
}

// CreateAlias makes an alias.
func (s *Server) CreateAlias(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.aliases[name] = true
}

// Docs returns the documents of an index by id.
func (s *Server) Docs(index string) map[string]Doc {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.indices[index])
}

// Indices returns the names of the indices and data streams, sorted.
func (s *Server) Indices() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.indices))
}

// IsStream says whether a name is a data stream's.
func (s *Server) IsStream(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streams[name]
}

// Mapping returns the mapping of an index, nil for none.
func (s *Server) Mapping(index string) json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mappings[index]
}

// Requests returns the requests so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Bulks returns the bulk requests so far that were carried out.
func (s *Server) Bulks() [][]Item {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.bulks)
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	src := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		gz, err := gzip.NewReader(r.Body)
		if err != nil {
			fail(w, http.StatusBadRequest, "parse_exception", err.Error())
			return
		}
		src = gz
	}
	body, err := io.ReadAll(src)
	if err != nil {
		fail(w, http.StatusBadRequest, "parse_exception", err.Error())
		return
	}
	req := Request{Method: r.Method, Path: r.URL.Path, Header: r.Header.Clone(), Body: body}
	s.mu.Lock()
	s.requests = append(s.requests, req)
	s.mu.Unlock()
	if !s.NoProduct {
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
	}
	w.Header().Set("Content-Type", "application/json")
	if s.OnRequest != nil && s.OnRequest(w, req) {
		return
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.URL.Path == "/":
		answer(w, http.StatusOK, map[string]any{"version": map[string]any{"number": s.Version, "distribution": s.Distribution}})
	case parts[0] == "_bulk":
		s.bulk(w, body)
	case parts[0] == "_alias" && len(parts) == 2:
		s.found(w, s.aliases[parts[1]])
	case parts[0] == "_data_stream" && len(parts) == 2:
		s.create(w, parts[1], true)
	case len(parts) == 1 && r.Method == http.MethodHead:
		_, ok := s.indices[parts[0]]
		s.found(w, ok || s.aliases[parts[0]])
	case len(parts) == 1 && r.Method == http.MethodPut:
		s.create(w, parts[0], false)
	case len(parts) == 2 && parts[1] == "_mapping":
		s.mapping(w, r.Method, parts[0], body)
	default:
		fail(w, http.StatusNotFound, "no_handler", r.Method+" "+r.URL.Path)
	}
}

func answer(w http.ResponseWriter, status int, v any) {
	w.WriteHeader(status)
	// A client that has gone does not want the answer.
	_ = json.NewEncoder(w).Encode(v)
}

func fail(w http.ResponseWriter, status int, kind, reason string) {
	answer(w, status, map[string]any{"error": map[string]any{"type": kind, "reason": reason}, "status": status})
}

func (s *Server) found(w http.ResponseWriter, ok bool) {
	if !ok {
		w.WriteHeader(http.StatusNotFound)
	}
}

func (s *Server) create(w http.ResponseWriter, name string, stream bool) {
	if _, ok := s.indices[name]; ok {
		fail(w, http.StatusBadRequest, "resource_already_exists_exception", "index ["+name+"] already exists")
		return
	}
	s.indices[name], s.streams[name] = map[string]Doc{}, stream
	answer(w, http.StatusOK, map[string]any{"acknowledged": true})
}

func (s *Server) mapping(w http.ResponseWriter, method, index string, body []byte) {
	if _, ok := s.indices[index]; !ok && !s.aliases[index] {
		fail(w, http.StatusNotFound, "index_not_found_exception", "no such index ["+index+"]")
		return
	}
	if method == http.MethodGet {
		m := s.mappings[index]
		if m == nil {
			m = json.RawMessage("{}")
		}
		answer(w, http.StatusOK, map[string]any{index: map[string]any{"mappings": m}})
		return
	}
	if !json.Valid(body) {
		fail(w, http.StatusBadRequest, "parse_exception", "not JSON")
		return
	}
	s.mappings[index] = slices.Clone(body)
	answer(w, http.StatusOK, map[string]any{"acknowledged": true})
}

type action struct {
	Index       string `json:"_index"`
	ID          string `json:"_id"`
	Version     int64  `json:"version"`
	VersionType string `json:"version_type"`
	Retry       int    `json:"retry_on_conflict"`
}

func (s *Server) bulk(w http.ResponseWriter, body []byte) {
	items, err := parse(body)
	if err != nil {
		fail(w, http.StatusBadRequest, "illegal_argument_exception", err.Error())
		return
	}
	s.bulks = append(s.bulks, items)
	outcomes, failed := make([]map[string]any, len(items)), false
	for i, it := range items {
		status, rejected := s.apply(it)
		o := map[string]any{"status": status}
		if rejected != nil {
			failed = true
			o["error"] = map[string]any{"type": rejected.Type, "reason": rejected.Reason}
		}
		outcomes[i] = map[string]any{it.Op: o}
	}
	answer(w, http.StatusOK, map[string]any{"errors": failed, "items": outcomes})
}

func parse(body []byte) ([]Item, error) {
	if len(body) == 0 || body[len(body)-1] != '\n' {
		return nil, errors.New("the bulk request must be terminated by a newline")
	}
	var items []Item
	for in := bufio.NewReader(bytes.NewReader(body)); ; {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			return items, nil
		}
		var op map[string]action
		if err := json.Unmarshal(line, &op); err != nil || len(op) != 1 {
			return nil, fmt.Errorf("malformed action: %s", line)
		}
		var it Item
		for name, a := range op {
			it = Item{Op: name, Index: a.Index, ID: a.ID, Version: a.Version, VersionType: a.VersionType, RetryConflict: a.Retry}
		}
		if len(it.ID) > 512 {
			return nil, fmt.Errorf("id [%s] is too long, must be no longer than 512 bytes but was: %d", it.ID, len(it.ID))
		}
		if it.Op != "delete" {
			source, err := in.ReadBytes('\n')
			if err != nil {
				return nil, fmt.Errorf("an action without its document")
			}
			it.Source = bytes.TrimRight(source, "\n")
		}
		items = append(items, it)
	}
}

func (s *Server) apply(it Item) (int, *Reject) {
	if s.OnItem != nil {
		if r := s.OnItem(it); r != nil {
			return r.Status, r
		}
	}
	if s.indices[it.Index] == nil {
		s.indices[it.Index] = map[string]Doc{}
	}
	docs, name := s.indices[it.Index], it.Index+"\x00"+it.ID
	have, exists := docs[it.ID]
	version := have.Version + 1
	if it.VersionType == "external" {
		if last := max(have.Version, s.deleted[name]); (exists || s.deleted[name] > 0) && it.Version <= last {
			return http.StatusConflict, &Reject{Type: "version_conflict_engine_exception",
				Reason: fmt.Sprintf("[%s]: version conflict, current version [%d] is higher or equal to the one provided [%d]", it.ID, last, it.Version)}
		}
		version = it.Version
	}
	if it.Op == "delete" {
		s.deleted[name] = version
		delete(docs, it.ID)
		if !exists {
			return http.StatusNotFound, nil
		}
		return http.StatusOK, nil
	}
	var source map[string]any
	if err := json.Unmarshal(it.Source, &source); err != nil {
		return http.StatusBadRequest, &Reject{Type: "document_parsing_exception", Reason: "failed to parse"}
	}
	raw := json.RawMessage(it.Source)
	if it.Op == "update" {
		doc, ok := source["doc"].(map[string]any)
		if !ok {
			return http.StatusBadRequest, &Reject{Type: "action_request_validation_exception", Reason: "script or doc is missing"}
		}
		merged := maps.Clone(have.Source)
		if merged == nil {
			merged = map[string]any{}
		}
		maps.Copy(merged, doc)
		source, raw = merged, nil
	}
	if it.Op == "create" {
		if exists {
			return http.StatusConflict, &Reject{Type: "version_conflict_engine_exception", Reason: "[" + it.ID + "]: version conflict, document already exists"}
		}
		if _, ok := source["@timestamp"]; s.streams[it.Index] && !ok {
			return http.StatusBadRequest, &Reject{Type: "document_parsing_exception", Reason: "data stream timestamp field [@timestamp] is missing"}
		}
	}
	for field, kind := range s.Strict {
		if v, ok := source[field]; ok && v != nil && jsonType(v) != kind {
			return http.StatusBadRequest, &Reject{Type: "document_parsing_exception", Reason: fmt.Sprintf("[1:1] failed to parse field [%s] of type [%s]", field, kind)}
		}
	}
	if it.ID == "" {
		s.made++
		it.ID = fmt.Sprintf("made-%d", s.made)
	}
	docs[it.ID] = Doc{Version: version, Source: source, Raw: raw}
	delete(s.deleted, name)
	if exists {
		return http.StatusOK, nil
	}
	return http.StatusCreated, nil
}

func jsonType(v any) string {
	switch v.(type) {
	case float64:
		return "number"
	case string:
		return "string"
	case map[string]any:
		return "object"
	}
	return "other"
}
