package configdef

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/moldau-io/moldau/connect/errs"
)

// Validator checks one parsed value; nil is null (ConfigDef.Validator).
type Validator interface {
	// Validate returns a ConfigException for a wrong value.
	Validate(name string, value any) error
	// String describes the valid values in documents, as Java's toString does.
	String() string
}

// Invalid makes the ConfigException of a value that a validator refuses, with
// Java's text of the value: "Invalid value <value> for configuration <name>: <message>".
func Invalid(name string, value any, message string) error {
	return errs.InvalidValue(name, javaText(value), message)
}

// badCast is what Java throws where a value has not the type a validator casts to.
func badCast(value any, to string) error {
	return errs.New(errs.ClassClassCast, "class "+javaClass(value)+" cannot be cast to class "+to)
}

// Number is what the bounds of a range can be.
type Number interface {
	~int | ~int16 | ~int32 | ~int64 | ~float64
}

type bounds struct{ min, max any }

// AtLeast accepts numbers from n on (ConfigDef.Range.atLeast).
func AtLeast[T Number](n T) Validator { return bounds{min: n} }

// Between accepts numbers from lo to hi, both included (ConfigDef.Range.between).
func Between[T Number](lo, hi T) Validator { return bounds{min: lo, max: hi} }

func (b bounds) Validate(name string, value any) error {
	if value == nil {
		return Invalid(name, nil, "Value must be non-null")
	}
	n, ok := toFloat(value)
	if !ok {
		return badCast(value, "java.lang.Number")
	}
	if min, ok := toFloat(b.min); ok && n < min {
		return Invalid(name, value, "Value must be at least "+javaText(b.min))
	}
	if max, ok := toFloat(b.max); ok && n > max {
		return Invalid(name, value, "Value must be no more than "+javaText(b.max))
	}
	return nil
}

func (b bounds) String() string {
	if b.max == nil {
		return "[" + javaText(b.min) + ",...]"
	}
	return "[" + javaText(b.min) + ",...," + javaText(b.max) + "]"
}

type validString []string

// ValidString accepts one of the given strings (ConfigDef.ValidString). Null is refused.
func ValidString(valid ...string) Validator { return validString(slices.Clone(valid)) }

func (v validString) Validate(name string, value any) error {
	s, err := asString(value)
	if err != nil {
		return err
	}
	if value == nil || !slices.Contains(v, s) {
		return Invalid(name, value, "String must be one of: "+strings.Join(v, ", "))
	}
	return nil
}

func (v validString) String() string { return "[" + strings.Join(v, ", ") + "]" }

func asString(value any) (string, error) {
	switch s := value.(type) {
	case nil:
		return "", nil
	case string:
		return s, nil
	}
	return "", badCast(value, "java.lang.String")
}

type caseInsensitive []string

// CaseInsensitiveValidString accepts one of the given strings in any case
// (ConfigDef.CaseInsensitiveValidString).
func CaseInsensitiveValidString(valid ...string) Validator {
	upper := make([]string, len(valid))
	for i, s := range valid {
		upper[i] = strings.ToUpper(s)
	}
	return caseInsensitive(HashOrder(upper))
}

func (v caseInsensitive) Validate(name string, value any) error {
	s, err := asString(value)
	if err != nil {
		return err
	}
	if value == nil || !slices.Contains(v, strings.ToUpper(s)) {
		return Invalid(name, value, "String must be one of (case insensitive): "+strings.Join(v, ", "))
	}
	return nil
}

func (v caseInsensitive) String() string {
	return "(case insensitive) [" + strings.Join(v, ", ") + "]"
}

type validList struct{ validString }

// ValidList accepts lists of the given strings only (ConfigDef.ValidList.in).
func ValidList(valid ...string) Validator { return validList{validString(slices.Clone(valid))} }

func (v validList) Validate(name string, value any) error {
	list, err := asList(value)
	if err != nil {
		return err
	}
	for _, s := range list {
		if err := v.validString.Validate(name, s); err != nil {
			return err
		}
	}
	return nil
}

// asList refuses null as Java does where a validator goes through a list.
func asList(value any) ([]string, error) {
	switch l := value.(type) {
	case nil:
		return nil, errs.New(errs.ClassNullPointer, "the list is null")
	case []string:
		return l, nil
	}
	return nil, badCast(value, "java.util.List")
}

// NonNull refuses null (ConfigDef.NonNullValidator).
func NonNull() Validator {
	return LambdaValidator(func(name string, value any) error {
		if value == nil {
			return Invalid(name, nil, "entry must be non null")
		}
		return nil
	}, "non-null string")
}

// NonEmptyString refuses "", but not null (ConfigDef.NonEmptyString).
func NonEmptyString() Validator {
	return LambdaValidator(func(name string, value any) error {
		s, err := asString(value)
		if err != nil {
			return err
		}
		if value != nil && s == "" {
			return Invalid(name, value, "String must be non-empty")
		}
		return nil
	}, "non-empty string")
}

// NonEmptyStringWithoutControlChars refuses "" and ISO control characters, but
// not null (ConfigDef.NonEmptyStringWithoutControlChars).
func NonEmptyStringWithoutControlChars() Validator {
	return LambdaValidator(func(name string, value any) error {
		s, err := asString(value)
		switch {
		case err != nil:
			return err
		case value == nil:
			return nil
		case s == "":
			return Invalid(name, value, "String may not be empty")
		}
		var found []string
		for _, r := range s {
			if unicode.IsControl(r) {
				found = append(found, strconv.Itoa(int(r)))
			}
		}
		if len(found) > 0 {
			return Invalid(name, value, "String may not contain control sequences but had the following ASCII chars: "+
				strings.Join(found, ", "))
		}
		return nil
	}, "non-empty string without ISO control characters")
}

// NonEmptyList refuses null and the empty list (the transforms' NonEmptyListValidator).
func NonEmptyList() Validator {
	return LambdaValidator(func(name string, value any) error {
		if value == nil {
			return Invalid(name, nil, "Empty list")
		}
		list, err := asList(value)
		if err == nil && len(list) == 0 {
			return Invalid(name, value, "Empty list")
		}
		return err
	}, "non-empty list")
}

// ListSize accepts lists of at most max entries (ConfigDef.ListSize.atMostOfSize).
func ListSize(max int) Validator {
	return LambdaValidator(func(name string, value any) error {
		list, err := asList(value)
		if err == nil && len(list) > max {
			return Invalid(name, value, "exceeds maximum list size of ["+strconv.Itoa(max)+"].")
		}
		return err
	}, "List containing maximum of "+strconv.Itoa(max)+" elements")
}

type lambda struct {
	check func(name string, value any) error
	text  string
}

// LambdaValidator makes a validator of a function (ConfigDef.LambdaValidator).
func LambdaValidator(check func(name string, value any) error, text string) Validator {
	return lambda{check, text}
}

func (v lambda) Validate(name string, value any) error { return v.check(name, value) }

func (v lambda) String() string { return v.text }

type composite []Validator

// CompositeValidator asks each validator in turn (ConfigDef.CompositeValidator).
func CompositeValidator(validators ...Validator) Validator {
	return composite(slices.Clone(validators))
}

func (c composite) Validate(name string, value any) error {
	for _, v := range c {
		if err := v.Validate(name, value); err != nil {
			return err
		}
	}
	return nil
}

func (c composite) String() string {
	texts := make([]string, len(c))
	for i, v := range c {
		texts[i] = v.String()
	}
	return strings.Join(texts, ", ")
}
