// Package condition decides about records by their content: by a JSONPath with
// filters, or by an expression in Google's Common Expression Language (CEL).
//
// It knows nothing of transforms; those that filter use it.
package condition
