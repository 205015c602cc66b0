package jsonschema

import (
	"github.com/moldau-io/moldau/connect/javaregex"
	"github.com/moldau-io/moldau/connect/schema"
)

// sort says what a loaded schema demands first of all.
type sort uint8

const (
	ofEmpty sort = iota
	ofBoolean
	ofNumber
	ofString
	ofConst
	ofEnum
	ofCombined
	ofArray
	ofObject
	ofReference
	ofNull
	ofTrue
	ofFalse
	ofNot
	ofConditional
)

// className is the class that error texts name.
func (s sort) className() string {
	return "org.everit.json.schema." + [...]string{
		"EmptySchema", "BooleanSchema", "NumberSchema", "StringSchema", "ConstSchema", "EnumSchema", "CombinedSchema", "ArraySchema",
		"ObjectSchema", "ReferenceSchema", "NullSchema", "TrueSchema", "FalseSchema", "NotSchema", "ConditionalSchema",
	}[s]
}

// model is a loaded schema: the keywords of one sort, and what all have in common.
type model struct {
	sort  sort
	title *string
	doc   *string
	def   *node
	// extra holds the keywords that the loader does not know.
	extra *node
	// typed says that values of other types do not match; else the keywords bind
	// values of their type alone.
	typed bool

	*numberKeywords
	*stringKeywords
	*arrayKeywords
	*objectKeywords

	values []*node // of const and enum

	criterion string // allOf, anyOf, oneOf
	subs      []*model

	target *model // of a reference or not

	when, then, otherwise *model
}

type numberKeywords struct {
	integer                bool
	minimum, maximum       *schema.DecimalValue
	above, below, multiple *schema.DecimalValue
}

type stringKeywords struct {
	minLength, maxLength *int
	pattern              *javaregex.Pattern
	format               string
}

type arrayKeywords struct {
	items              *model
	tuple              []*model
	closedItems        bool // nothing behind the tuple
	furtherItems       *model
	contains           *model
	minItems, maxItems *int
	unique             bool
}

type property struct {
	name  string
	model *model
}

type patternProperty struct {
	pattern *javaregex.Pattern
	model   *model
}

type objectKeywords struct {
	properties       []property // in Java's order
	required         []string
	closed           bool // no further members
	further          *model
	patterns         []patternProperty
	names            *model
	minSize, maxSize *int
	dependents       map[string][]string
	dependentSchemas map[string]*model
}

// prop returns a keyword that the loader does not know, or nil.
func (m *model) prop(name string) *node { return m.extra.get(name) }

func (k *objectKeywords) property(name string) *model {
	for i := range k.properties {
		if k.properties[i].name == name {
			return k.properties[i].model
		}
	}
	return nil
}

func (k *objectKeywords) requires(name string) bool {
	for _, r := range k.required {
		if r == name {
			return true
		}
	}
	return false
}
