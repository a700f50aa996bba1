package main

import (
	"strconv"
	"strings"
	"time"
)

// Words "name=value", as commands and the x-reply header have them.
type fields map[string]string

func parseFields(text, between string) fields {
	all := fields{}
	for _, word := range strings.Split(text, between) {
		if name, value, found := strings.Cut(word, "="); found {
			all[name] = value
		}
	}
	return all
}

func (f fields) number(name string, otherwise int) int {
	n, err := strconv.Atoi(f[name])
	if err != nil {
		return otherwise
	}
	return n
}

func (f fields) ms(name string) time.Duration {
	return time.Duration(f.number(name, 0)) * time.Millisecond
}
