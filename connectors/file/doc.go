// Package file holds the FileStream connectors of Apache Kafka Connect: a source
// that turns the lines of a file, or of standard input, into records, and a sink
// that writes record values as lines.
//
// Keys, record shape, offsets and error texts are those of
// org.apache.kafka.connect.file. Directories, globs, rotation and formats other
// than lines do not live here.
package file
