// Package metrics gives a worker's metrics to Prometheus, under the names that the
// usual rules of the JMX exporter make of Apache Connect's MBeans: the attribute
// source-record-poll-total of source-task-metrics is
// kafka_connect_source_task_source_record_poll_total.
//
// It reads what the worker, the herder and the group count, when it is asked, and
// keeps nothing of its own but what rates need. It serves no HTTP.
package metrics
