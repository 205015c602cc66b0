package configdef

import "strconv"

// Type is the type of a setting's value.
type Type uint8

// The types, and the Go type a parsed value has. Java's null is nil.
const (
	Boolean  Type = iota // bool
	String               // string
	Int                  // int32
	Short                // int16
	Long                 // int64
	Double               // float64
	List                 // []string
	Class                // string: the name of a class
	Password             // Secret
)

// String returns the name Java has for the type.
func (t Type) String() string {
	switch t {
	case Boolean:
		return "BOOLEAN"
	case String:
		return "STRING"
	case Int:
		return "INT"
	case Short:
		return "SHORT"
	case Long:
		return "LONG"
	case Double:
		return "DOUBLE"
	case List:
		return "LIST"
	case Class:
		return "CLASS"
	case Password:
		return "PASSWORD"
	}
	return "Type(" + strconv.Itoa(int(t)) + ")"
}

// Importance says how much a setting matters to somebody who sets things up.
type Importance uint8

// The importances, highest first.
const (
	High Importance = iota
	Medium
	Low
)

// String returns the name Java has for the importance.
func (i Importance) String() string {
	switch i {
	case High:
		return "HIGH"
	case Medium:
		return "MEDIUM"
	case Low:
		return "LOW"
	}
	return "Importance(" + strconv.Itoa(int(i)) + ")"
}

// Width is how wide an input field for the setting should be.
type Width uint8

// The widths.
const (
	WidthNone Width = iota
	WidthShort
	WidthMedium
	WidthLong
)

// String returns the name Java has for the width.
func (w Width) String() string {
	switch w {
	case WidthNone:
		return "NONE"
	case WidthShort:
		return "SHORT"
	case WidthMedium:
		return "MEDIUM"
	case WidthLong:
		return "LONG"
	}
	return "Width(" + strconv.Itoa(int(w)) + ")"
}
