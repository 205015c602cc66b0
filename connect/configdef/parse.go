package configdef

import (
	"fmt"
	"math"
	"regexp"
	"strings"

	"github.com/moldau-io/moldau/connect/errs"
)

var listSeparator = regexp.MustCompile(`[ \t\n\x0B\f\r]*,[ \t\n\x0B\f\r]*`)

// ParseType turns a value into the Go type of t (ConfigDef.parseType). A string
// is trimmed and parsed; a value of the type itself is taken as it is; nil stays
// nil. Errors are ConfigExceptions with Java's texts.
func ParseType(name string, value any, t Type) (any, error) {
	if value == nil {
		return nil, nil
	}
	text, isText := value.(string)
	if isText {
		return parseText(name, text, t)
	}
	switch t {
	case Boolean:
		if b, ok := value.(bool); ok {
			return b, nil
		}
		return nil, errs.InvalidValue(name, javaText(value), "Expected value to be either true or false")
	case Password:
		if s, ok := value.(Secret); ok {
			return s, nil
		}
		return nil, wrongType(name, value, "a string")
	case String:
		return nil, wrongType(name, value, "a string")
	case Int:
		if n, ok := integer(value, math.MinInt32, math.MaxInt32); ok {
			return int32(n), nil
		}
		return nil, wrongType(name, value, "a 32-bit integer")
	case Short:
		if n, ok := integer(value, math.MinInt16, math.MaxInt16); ok {
			return int16(n), nil
		}
		return nil, wrongType(name, value, "a 16-bit integer (short)")
	case Long:
		if n, ok := integer(value, math.MinInt64, math.MaxInt64); ok {
			return n, nil
		}
		return nil, wrongType(name, value, "a 64-bit integer (long)")
	case Double:
		if f, ok := toFloat(value); ok {
			return f, nil
		}
		return nil, wrongType(name, value, "a double")
	case List:
		if l, ok := value.([]string); ok {
			return l, nil
		}
		return nil, errs.InvalidValue(name, javaText(value), "Expected a comma separated list.")
	case Class:
		return nil, errs.InvalidValue(name, javaText(value), "Expected a Class instance or class name.")
	}
	return nil, errs.New(errs.ClassIllegalState, "Unknown type.")
}

func parseText(name, text string, t Type) (any, error) {
	trimmed := Trim(text)
	switch t {
	case Boolean:
		switch {
		case strings.EqualFold(trimmed, "true"):
			return true, nil
		case strings.EqualFold(trimmed, "false"):
			return false, nil
		}
		return nil, errs.InvalidValue(name, text, "Expected value to be either true or false")
	case Password:
		return Secret(trimmed), nil
	case String, Class:
		return trimmed, nil
	case Int:
		if n, ok := parseInteger(trimmed, 32); ok {
			return int32(n), nil
		}
	case Short:
		if n, ok := parseInteger(trimmed, 16); ok {
			return int16(n), nil
		}
	case Long:
		if n, ok := parseInteger(trimmed, 64); ok {
			return n, nil
		}
	case Double:
		if f, ok := parseDouble(trimmed); ok {
			return f, nil
		}
	case List:
		if trimmed == "" {
			return []string{}, nil
		}
		return listSeparator.Split(trimmed, -1), nil
	default:
		return nil, errs.New(errs.ClassIllegalState, "Unknown type.")
	}
	return nil, errs.InvalidValue(name, text, "Not a number of type "+t.String())
}

func wrongType(name string, value any, want string) error {
	return errs.InvalidValue(name, javaText(value),
		fmt.Sprintf("Expected value to be %s, but it was a %s", want, javaClass(value)))
}

// Trim cuts what Java's String.trim does: everything up to U+0020 at both ends.
func Trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
}

// Parse parses and checks every setting of the definition (ConfigDef.parse within
// AbstractConfig). The first wrong one, in order of definition, is the error.
// Settings that are not defined are kept as originals.
func (d *Def) Parse(props map[string]string) (*Config, error) {
	if undefined := d.undefinedDependents(); len(undefined) > 0 {
		return nil, errs.Config("Some configurations in are referred in the dependents, but not defined: " +
			strings.Join(HashOrder(undefined), ","))
	}
	values := make(map[string]any, len(d.order))
	for _, name := range d.order {
		k := d.keys[name]
		how := absent
		text, ok := props[name]
		if ok {
			how = given
		}
		value, err := d.parseKey(k, text, how)
		if err != nil {
			return nil, err
		}
		if k.Validator != nil {
			if err := k.Validator.Validate(name, value); err != nil {
				return nil, err
			}
		}
		values[name] = value
	}
	return newConfig(d, props, values), nil
}

// state says whether a setting is there.
type state uint8

const (
	absent state = iota
	null
	given
)

// parseKey returns the value of a setting before its validator has seen it.
func (d *Def) parseKey(k Key, text string, how state) (any, error) {
	switch {
	case how == null:
		return nil, nil
	case how == given:
		value, err := parseText(k.Name, text, k.Type)
		if err != nil || k.Type != Class || d.resolve == nil {
			return value, err
		}
		full, ok := d.resolve(k.Name, value.(string))
		if !ok {
			return nil, errs.InvalidValue(k.Name, text, "Class "+text+" could not be found.")
		}
		return full, nil
	case !k.HasDefault:
		return nil, errs.Config("Missing required configuration \"" + k.Name + "\" which has no default value.")
	}
	return k.Default, nil
}
