// Package protobuf converts between Connect data and Protocol Buffers, as
// io.confluent.connect.protobuf.ProtobufConverter does. A .proto file is a tree of
// definitions (definition.go), which is read from text (parse.go), printed (print.go),
// checked and linked as protobuf-java links descriptors (link.go), made of a Connect
// schema (write.go) and read as one (read.go). Values go both ways without reflection
// (encode.go, decode.go). What the registry does is package registry's.
package protobuf
