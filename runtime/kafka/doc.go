// Package kafka makes Kafka clients and speaks to brokers for the rest of the
// worker.
//
//   - Settings in the words of Java's clients become options of franz-go clients:
//     producer.go, consumer.go, adminclient.go, with the security settings in
//     tls.go, keystore.go, sasl.go and jaas.go.
//   - Log is a compacted topic that is read to its end and then followed.
//   - Admin creates and checks topics and changes the offsets of groups.
//   - Broker is the broker inside the binary, for `moldau dev` and for tests.
//
// What the records of a topic mean is not known here; see package store for the
// worker's own topics and package task for the data path.
package kafka
