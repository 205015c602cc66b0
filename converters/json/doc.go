// Package json is Connect's JsonConverter (org.apache.kafka.connect.json): Connect
// data as JSON, with or without the envelope {"schema":…,"payload":…}.
//
// Encoding appends straight to a buffer, with the parts that depend on the schema
// alone prepared once. Decoding cuts the text into tokens and builds values from
// them; strings without escapes stay views of the input, and an envelope whose
// schema was seen before skips over it. What is accepted and refused is what
// Jackson 2.19 accepts and refuses. Nothing here uses reflection or encoding/json.
package json
