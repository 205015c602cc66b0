package settings

import (
	"fmt"
	"strings"

	cd "github.com/moldau-io/moldau/connect/configdef"
	"github.com/moldau-io/moldau/connect/errs"
)

// VersionRange is a requirement on a plugin's version (KIP-891): one version, or
// Maven's ranges such as "[1.0,2.0)" and "(,1.0],[1.2,)".
type VersionRange struct {
	parts []restriction
}

// restriction is one range; a nil bound is open.
type restriction struct {
	lower, upper       *string
	lowerHas, upperHas bool
}

// ParseVersionRequirement reads what a *.plugin.version setting asks for
// (PluginUtils.connectorVersionRequirement). A plain version asks for that version
// alone, nil is any. "latest" and null ("", false) are nil.
func ParseVersionRequirement(text string, given bool) (*VersionRange, error) {
	if !given || text == "latest" {
		return nil, nil
	}
	text = cd.Trim(text)
	if len(text) > maxVersion {
		return nil, invalidVersion(fmt.Sprintf("A version may have %d characters, this one has %d", maxVersion, len(text)))
	}
	r, plain, err := parseRanges(text)
	if err != nil || !plain {
		return r, err
	}
	r, _, err = parseRanges("[" + text + "]")
	return r, err
}

// maxVersion bounds how deep the parts of a version nest.
const maxVersion = 1 << 16

// parseRanges is VersionRange.createFromVersionSpec; plain says that the text is a
// version or empty.
func parseRanges(spec string) (r *VersionRange, plain bool, err error) {
	r = &VersionRange{}
	rest := spec
	var upper *string
	for strings.HasPrefix(rest, "[") || strings.HasPrefix(rest, "(") {
		end := strings.IndexAny(rest, ")]")
		if end < 0 {
			return nil, false, invalidVersion("Unbounded range: " + spec)
		}
		part, err := parseRestriction(rest[:end+1])
		if err != nil {
			return nil, false, err
		}
		if upper != nil && (part.lower == nil || compareVersions(*part.lower, *upper) < 0) {
			return nil, false, invalidVersion("Ranges overlap: " + spec)
		}
		r.parts = append(r.parts, part)
		upper = part.upper
		rest = cd.Trim(rest[end+1:])
		if after, ok := strings.CutPrefix(rest, ","); ok {
			rest = cd.Trim(after)
		}
	}
	if rest != "" && len(r.parts) > 0 {
		return nil, false, invalidVersion("Only fully-qualified sets allowed in multiple set scenario: " + spec)
	}
	return r, len(r.parts) == 0, nil
}

func parseRestriction(spec string) (restriction, error) {
	r := restriction{lowerHas: spec[0] == '[', upperHas: spec[len(spec)-1] == ']'}
	inner := cd.Trim(spec[1 : len(spec)-1])
	lower, upper, isRange := strings.Cut(inner, ",")
	if !isRange {
		if !r.lowerHas || !r.upperHas {
			return r, invalidVersion("Single version must be surrounded by []: " + spec)
		}
		r.lower, r.upper = &inner, &inner
		return r, nil
	}
	if lower = cd.Trim(lower); lower != "" {
		r.lower = &lower
	}
	if upper = cd.Trim(upper); upper != "" {
		r.upper = &upper
	}
	if r.lower != nil && r.upper != nil {
		order := compareVersions(upper, lower)
		if order < 0 || order == 0 && (!r.lowerHas || !r.upperHas) {
			return r, invalidVersion("Range defies version ordering: " + spec)
		}
	}
	return r, nil
}

// invalidVersion is what Connect's own check makes of Maven's
// InvalidVersionSpecificationException (VersionedPluginLoadingException).
func invalidVersion(text string) error { return errs.New(classVersionedPlugin, "%s", text) }

const classVersionedPlugin = "org.apache.kafka.connect.runtime.isolation.VersionedPluginLoadingException"

// Contains says whether a version satisfies the requirement; nil takes any.
func (r *VersionRange) Contains(version string) bool {
	if r == nil {
		return true
	}
	for _, part := range r.parts {
		if part.contains(version) {
			return true
		}
	}
	return false
}

func (r restriction) contains(version string) bool {
	if r.lower != nil {
		if order := compareVersions(version, *r.lower); order < 0 || order == 0 && !r.lowerHas {
			return false
		}
	}
	if r.upper != nil {
		if order := compareVersions(version, *r.upper); order > 0 || order == 0 && !r.upperHas {
			return false
		}
	}
	return true
}

// String returns the ranges as Maven prints them.
func (r *VersionRange) String() string {
	var b strings.Builder
	for i, part := range r.parts {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte(pickByte(part.lowerHas, '[', '('))
		if part.lower != nil {
			b.WriteString(*part.lower)
		}
		b.WriteByte(',')
		if part.upper != nil {
			b.WriteString(*part.upper)
		}
		b.WriteByte(pickByte(part.upperHas, ']', ')'))
	}
	return b.String()
}

func pickByte(first bool, a, b byte) byte {
	if first {
		return a
	}
	return b
}
