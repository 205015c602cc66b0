// Package ctl is the operator's command line: connectors, plugins, the cluster and the
// contexts that say which server is meant, against the REST API of any Kafka Connect
// worker, Moldau's or Apache's.
//
// The requests are in api/client; what a worker does with them is not known here.
// Everything the commands touch of the outside is in an App, so tests run them as they
// are.
package ctl
