// Package sseserver is a small server of server-sent events for demonstrations and
// tests: it serves generated or recorded events at a rate, goes on behind a client's
// Last-Event-ID, and misbehaves on demand.
package sseserver
