// Package settings turns what a user writes into typed settings: the worker's
// properties file and environment, connector configurations, the policies on
// client overrides, and ${provider:path:key} variables. Names, defaults, checks
// and error texts are those of Apache Kafka Connect 4.1.
//
// It opens no connection. How settings become options of a Kafka client is said in
// runtime/kafka; how a connector's whole configuration is validated, in
// runtime/validate.
package settings
