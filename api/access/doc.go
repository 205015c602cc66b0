// Package access says who may use the REST API and for what: the users of Connect's
// basic authentication extension or of an htpasswd file, and their roles.
//
// It reads files and decides. It serves no HTTP; package api asks it.
package access
