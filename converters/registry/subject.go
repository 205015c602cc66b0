package registry

import "github.com/moldau-io/moldau/connect/errs"

// UsesRecordName says whether the subject hangs on the schema's name, so that the schema
// must be known first (SubjectNameStrategy.usesSchema).
func (s *Serde) UsesRecordName() bool { return s.subjects != "TopicNameStrategy" }

// Subject is what a schema is registered under. record is the full name of the schema's
// record, empty where it has none (SubjectNameStrategy.subjectName).
func (s *Serde) Subject(topic, record string) (string, error) {
	side := "value"
	if s.isKey {
		side = "key"
	}
	if !s.UsesRecordName() {
		return topic + "-" + side, nil
	}
	if record == "" {
		return "", errs.New(errs.ClassSerialization, "In configuration %s = %s, the message %s must only be a record schema",
			side+strategySuffix, subjectPackage+s.subjects, side)
	}
	if s.subjects == "TopicRecordNameStrategy" {
		return topic + "-" + record, nil
	}
	return record, nil
}
