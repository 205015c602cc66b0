// Package avro converts between Connect data and Avro with a schema registry
// (io.confluent.connect.avro.AvroConverter 8.1.1). It has its own model of Avro schemas,
// which keeps what Java's keeps (order of properties, defaults, namespaces), and codecs
// that go straight between bytes and Connect values, compiled once for each schema. What
// is asked of the registry is in package registry.
package avro
