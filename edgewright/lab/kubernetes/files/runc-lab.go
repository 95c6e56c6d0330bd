// The container runtime of lab hosts, which have neither cgroup controllers nor CAP_SYS_RESOURCE: it removes limits
// from the bundle (or from the file of an exec's process) and then becomes the runc of the tree.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

func main() {
	verb, bundle, process := "", ".", ""
	for at, word := range os.Args[1:] {
		if at+2 < len(os.Args) {
			switch word {
			case "--bundle", "-b":
				bundle = os.Args[at+2]
			case "--process", "-p":
				process = os.Args[at+2]
			}
		}
		switch word {
		case "create", "run", "exec", "update":
			if verb == "" {
				verb = word
			}
		}
	}
	switch verb {
	case "update":
		return
	case "create", "run":
		change(filepath.Join(bundle, "config.json"), func(spec map[string]any) {
			linux, present := spec["linux"].(map[string]any)
			if !present {
				linux = map[string]any{}
				spec["linux"] = linux
			}
			// without a rule that allows all devices, privileged pods cannot open /dev/null
			linux["resources"] = map[string]any{"devices": []any{map[string]any{"allow": true, "access": "rwm"}}}
			unlimited(spec["process"])
		})
	case "exec":
		if process != "" {
			change(process, func(spec map[string]any) { unlimited(spec) })
		}
	}
	// the unit of containerd has the folder of the tree's programs first in its path
	runc, err := exec.LookPath("runc")
	if err == nil {
		err = syscall.Exec(runc, append([]string{"runc"}, os.Args[1:]...), os.Environ())
	}
	fail(err)
}

func unlimited(process any) {
	if fields, ok := process.(map[string]any); ok {
		delete(fields, "oomScoreAdj")
		delete(fields, "rlimits")
	}
}

func change(path string, edit func(map[string]any)) {
	spec := map[string]any{}
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &spec)
	}
	if err == nil {
		edit(spec)
		text, err = json.Marshal(spec)
	}
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "runc-lab:", err)
	os.Exit(1)
}
