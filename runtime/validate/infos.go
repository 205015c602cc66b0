// Package validate checks whole connector configurations as Connect's REST API
// does: the connector's own keys and Connect's, transforms, predicates, converters
// and client overrides (AbstractHerder.validateConnectorConfig).
//
// It needs no cluster. What the keys are is said in runtime/settings and by the
// plugins; this package puts them together and renders the result.
package validate

// Infos is the outcome of a validation, in the shape of the REST API.
type Infos struct {
	Name       string   `json:"name"`
	ErrorCount int      `json:"error_count"`
	Groups     []string `json:"groups"`
	Configs    []Info   `json:"configs"`
}

// Info is one key: what it is and what was made of its value. Either may be nil.
type Info struct {
	Definition *KeyInfo   `json:"definition"`
	Value      *ValueInfo `json:"value"`
}

// KeyInfo describes a key.
type KeyInfo struct {
	Name          string   `json:"name"`
	Type          string   `json:"type"`
	Required      bool     `json:"required"`
	DefaultValue  *string  `json:"default_value"`
	Importance    string   `json:"importance"`
	Documentation string   `json:"documentation"`
	Group         *string  `json:"group"`
	Width         string   `json:"width"`
	DisplayName   string   `json:"display_name"`
	Dependents    []string `json:"dependents"`
	Order         int      `json:"order"`
}

// ValueInfo is a key's value, what is wrong with it and what it might be.
type ValueInfo struct {
	Name              string    `json:"name"`
	Value             *string   `json:"value"`
	RecommendedValues []*string `json:"recommended_values"`
	Errors            []string  `json:"errors"`
	Visible           bool      `json:"visible"`
}
