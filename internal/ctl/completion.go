package ctl

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// completionTimeout bounds what a press of the tab key may take.
const completionTimeout = 2 * time.Second

const noFiles = cobra.ShellCompDirectiveNoFileComp

// complete offers what list returns of the live server, without what is there already.
func (s *session) complete(cmd *cobra.Command, args []string, to string, list func(ctx context.Context) ([]string, error)) ([]string, cobra.ShellCompDirective) {
	s.flags.requestTimeout, s.flags.conflictWait, s.InTTY = completionTimeout, 0, false
	ctx := cmd.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	all, err := list(ctx)
	if err != nil {
		cobra.CompDebugln(err.Error(), false)
		return nil, cobra.ShellCompDirectiveError
	}
	var out []string
	for _, name := range all {
		plain, _, _ := strings.Cut(name, "\t")
		if strings.HasPrefix(plain, to) && !slices.Contains(args, plain) {
			out = append(out, name)
		}
	}
	return out, noFiles
}

func (s *session) connectorNames(ctx context.Context) ([]string, error) {
	c, err := s.client()
	if err != nil {
		return nil, err
	}
	return c.Names(ctx)
}

// completeConnectors completes any number of connector names.
func (s *session) completeConnectors(cmd *cobra.Command, args []string, to string) ([]string, cobra.ShellCompDirective) {
	return s.complete(cmd, args, to, s.connectorNames)
}

// completeConnector completes one connector's name.
func (s *session) completeConnector(cmd *cobra.Command, args []string, to string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, noFiles
	}
	return s.complete(cmd, args, to, s.connectorNames)
}

// completeSettings completes a connector's name, then settings that it can have.
func (s *session) completeSettings(cmd *cobra.Command, args []string, to string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return s.complete(cmd, args, to, s.connectorNames)
	}
	out, directive := s.complete(cmd, args, to, func(ctx context.Context) ([]string, error) {
		c, err := s.client()
		if err != nil {
			return nil, err
		}
		info, err := c.Connector(ctx, args[0])
		if err != nil {
			return nil, err
		}
		keys := slices.Collect(maps.Keys(info.Config))
		// Old servers do not say; what is set is still offered.
		defined, err := c.PluginConfig(ctx, info.Config["connector.class"])
		for _, k := range defined {
			keys = append(keys, k.Name)
		}
		for i, k := range keys {
			keys[i] = k + "="
		}
		slices.Sort(keys)
		if len(keys) > 0 {
			err = nil
		}
		return slices.Compact(keys), err
	})
	return out, directive | cobra.ShellCompDirectiveNoSpace
}

// completePlugin completes the class of a plugin, in full or without its package.
func (s *session) completePlugin(cmd *cobra.Command, args []string, to string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, noFiles
	}
	return s.complete(cmd, args, to, func(ctx context.Context) ([]string, error) {
		c, err := s.client()
		if err != nil {
			return nil, err
		}
		list, err := c.Plugins(ctx, true)
		var out []string
		for _, p := range list {
			out = append(out, p.Class+"\t"+p.Type)
			if !strings.Contains(p.Class, "$") {
				out = append(out, simple(p.Class)+"\t"+p.Type)
			}
		}
		slices.Sort(out)
		return slices.Compact(out), err
	})
}

func (s *session) completeLogger(cmd *cobra.Command, args []string, to string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 1 {
		return []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR"}, noFiles
	}
	return s.complete(cmd, args, to, func(ctx context.Context) ([]string, error) {
		c, err := s.client()
		if err != nil {
			return nil, err
		}
		all, err := c.Loggers(ctx)
		return slices.Sorted(maps.Keys(all)), err
	})
}

func (s *session) completeContexts(cmd *cobra.Command, args []string, to string) ([]string, cobra.ShellCompDirective) {
	return s.complete(cmd, args, to, func(context.Context) ([]string, error) {
		c, _, err := s.loadContexts()
		if err != nil {
			return nil, err
		}
		var out []string
		for _, name := range slices.Sorted(maps.Keys(c.Contexts)) {
			out = append(out, name+"\t"+c.Contexts[name].Server)
		}
		return out, nil
	})
}

// simple is a class without its package.
func simple(class string) string { return class[strings.LastIndexByte(class, '.')+1:] }
