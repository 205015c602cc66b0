package schema

// Renamed returns a copy of the schema with another name or version, where given.
// All else is as it was, a default value included: it is not checked again, and of a
// struct it keeps the old schema, as Connect's does.
func (s *Schema) Renamed(name *string, version *int32) *Schema {
	c := *s
	if name != nil {
		c.name, c.hasName = *name, true
	}
	if version != nil {
		c.version, c.hasVersion = *version, true
	}
	return &c
}
