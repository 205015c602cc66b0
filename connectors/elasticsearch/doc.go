// Package elasticsearch writes records to Elasticsearch, and to OpenSearch, with
// bulk requests.
//
// Keys, class name and behaviour are those of the known connector
// io.confluent.connect.elasticsearch; what differs is listed in docs/divergences.md.
//
// The task's goroutine makes documents and gathers them into batches (request.go,
// document.go, bulk.go); batches are sent concurrently, and what comes back is
// settled record by record (send.go); the tracker (offsets.go) knows what may be
// committed. Which records come, and from where, is the runtime's business.
package elasticsearch
