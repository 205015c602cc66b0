// Package jsonschema converts between Connect data and JSON with JSON Schema, as
// io.confluent.connect.json.JsonSchemaConverter does: Connect schemas to schema
// documents (write.go), documents to Connect schemas (load.go, read.go), values both
// ways (encode.go, decode.go), and the check of JSON against a document (validate.go).
// Schemas are written in draft-07 terms without "$schema"; drafts 4 to 2020-12 are read.
package jsonschema
