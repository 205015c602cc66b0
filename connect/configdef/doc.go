// Package configdef holds the definition of a component's settings: names,
// types, defaults, validators, recommenders, groups and texts. One definition
// serves parsing, the REST API's validation, the generated reference and forms.
// It is the counterpart of Kafka's org.apache.kafka.common.config.ConfigDef (4.1)
// and gives the same results and error texts.
//
// It knows no particular component, reads no files and resolves no
// ${provider:…} variables.
package configdef
