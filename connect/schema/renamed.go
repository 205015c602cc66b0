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

// WithOptional returns a copy of the schema that allows null, or does not. A copy of a
// schema that is still being built does not get what is added later; see
// [Builder.Twin] for that.
func (s *Schema) WithOptional(optional bool) *Schema {
	if s.optional == optional {
		return s
	}
	c := *s
	c.optional = optional
	return &c
}
