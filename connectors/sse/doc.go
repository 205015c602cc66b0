// Package sse reads a stream of server-sent events (HTML standard, section 9.2)
// into a topic. The id of the last event is the source offset, so a restarted task
// asks the server to go on where it stopped.
//
// The keys, the class name and the default record of the known connector
// com.github.cjmatta.kafka.connect.sse work unchanged. One goroutine per task
// connects, reads and reconnects; Poll takes events from a bounded buffer. What a
// topic's events mean is not known here.
package sse
