package configdef

import (
	"fmt"
	"strings"
)

// ConvertToString returns the text of a parsed value as the REST API shows it
// (ConfigDef.convertToString): lists joined by commas, secrets hidden. The second
// result is false for null.
func ConvertToString(value any, t Type) (string, bool) {
	if value == nil {
		return "", false
	}
	if list, ok := value.([]string); ok && t == List {
		return strings.Join(list, ","), true
	}
	return javaText(value), true
}

// javaText is Java's String.valueOf of a parsed value.
func javaText(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		return v
	case []string:
		return "[" + strings.Join(v, ", ") + "]"
	case []any:
		texts := make([]string, len(v))
		for i, e := range v {
			texts[i] = javaText(e)
		}
		return "[" + strings.Join(texts, ", ") + "]"
	case float64:
		return doubleText(v, 64)
	case float32:
		return doubleText(float64(v), 32)
	}
	return fmt.Sprint(value)
}

// javaClass is the name of the Java class a Go value stands for.
func javaClass(value any) string {
	switch value.(type) {
	case bool:
		return "java.lang.Boolean"
	case string:
		return "java.lang.String"
	case int8:
		return "java.lang.Byte"
	case int16:
		return "java.lang.Short"
	case int32, int:
		return "java.lang.Integer"
	case int64:
		return "java.lang.Long"
	case float32:
		return "java.lang.Float"
	case float64:
		return "java.lang.Double"
	case Secret:
		return "org.apache.kafka.common.config.types.Password"
	case []string, []any:
		return "java.util.ArrayList"
	}
	return fmt.Sprintf("%T", value)
}
