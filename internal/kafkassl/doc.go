// Package kafkassl makes a TLS configuration of Kafka's ssl.* settings: key and
// trust stores in JKS, PKCS#12 or PEM, protocol versions, cipher suites and the
// check of host names. It knows neither Kafka's protocol nor HTTP.
package kafkassl
