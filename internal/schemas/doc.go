// Package schemas shows what a schema registry has, and asks it whether schemas may be
// registered before they are: one of a file, or those that a connector's records would
// bring. It is what `moldau registry` does; flags are not its business.
package schemas
