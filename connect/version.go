package connect

// Version is the version of Apache Kafka Connect that Moldau stands in for; the
// plugins that Apache ships report it.
const Version = "4.1.1"
