// The CNI plug-in `flannel`, written from its public description: flannel's own is in no package registry. It reads
// what flanneld wrote about this host's subnet and lets the plug-in `bridge` do the work.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

const state = "/var/lib/cni/flannel"

type object = map[string]any

func main() {
	command := os.Getenv("CNI_COMMAND")
	if command == "VERSION" {
		versions := []string{"0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"}
		json.NewEncoder(os.Stdout).Encode(object{"cniVersion": "1.1.0", "supportedVersions": versions})
		return
	}
	input, err := io.ReadAll(io.LimitReader(os.Stdin, 1<<20))
	config := object{}
	if err == nil {
		err = json.Unmarshal(input, &config)
	}
	if err == nil {
		switch command {
		case "ADD":
			err = add(config)
		case "DEL":
			err = remove()
		case "CHECK":
			err = check(config)
		case "STATUS", "GC":
		default:
			err = fmt.Errorf("unknown CNI_COMMAND %q", command)
		}
	}
	if err != nil {
		json.NewEncoder(os.Stdout).Encode(object{"cniVersion": config["cniVersion"], "code": 100, "msg": "flannel: " + err.Error()})
		os.Exit(1)
	}
}

func record() string {
	return filepath.Join(state, filepath.Base(os.Getenv("CNI_CONTAINERID")))
}

func add(config object) error {
	delegate, err := delegated(config)
	if err != nil {
		return err
	}
	text, err := json.Marshal(delegate)
	if err == nil {
		err = os.MkdirAll(state, 0o700)
	}
	if err == nil {
		err = os.WriteFile(record(), text, 0o600)
	}
	if err != nil {
		return err
	}
	return call(delegate)
}

func remove() error {
	text, err := os.ReadFile(record())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	delegate := object{}
	if err == nil {
		err = json.Unmarshal(text, &delegate)
	}
	if err == nil {
		err = call(delegate)
	}
	if err != nil {
		return err
	}
	return os.Remove(record())
}

func check(config object) error {
	delegate, err := delegated(config)
	if err != nil {
		return err
	}
	delegate["prevResult"] = config["prevResult"]
	return call(delegate)
}

// delegated returns the configuration of the plug-in that does the work.
func delegated(config object) (object, error) {
	path, ok := config["subnetFile"].(string)
	if !ok || path == "" {
		path = "/run/flannel/subnet.env"
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("flanneld has not written its subnet: %w", err)
	}
	facts := map[string]string{}
	for _, line := range strings.Split(string(text), "\n") {
		if key, value, found := strings.Cut(strings.TrimSpace(line), "="); found {
			facts[key] = value
		}
	}
	mtu, err := strconv.Atoi(facts["FLANNEL_MTU"])
	if err != nil || facts["FLANNEL_SUBNET"] == "" || facts["FLANNEL_NETWORK"] == "" {
		return nil, fmt.Errorf("%s is not complete", path)
	}
	delegate, ok := config["delegate"].(object)
	if !ok {
		delegate = object{}
	}
	defaults := object{"type": "bridge", "ipMasq": facts["FLANNEL_IPMASQ"] != "true", "mtu": mtu, "isGateway": true}
	for key, value := range defaults {
		if _, given := delegate[key]; !given {
			delegate[key] = value
		}
	}
	delegate["name"], delegate["cniVersion"] = config["name"], config["cniVersion"]
	if runtime, given := config["runtimeConfig"]; given {
		delegate["runtimeConfig"] = runtime
	}
	routes := []object{}
	for _, network := range strings.Split(facts["FLANNEL_NETWORK"], ",") {
		routes = append(routes, object{"dst": network})
	}
	// flanneld writes the address of the bridge (10.1.2.1/24), the allocator wants that of the network
	_, subnet, err := net.ParseCIDR(facts["FLANNEL_SUBNET"])
	if err != nil {
		return nil, err
	}
	ranges := [][]object{{{"subnet": subnet.String()}}}
	delegate["ipam"] = object{"type": "host-local", "ranges": ranges, "routes": routes}
	return delegate, nil
}

// call runs the plug-in of a configuration; its answer is ours.
func call(delegate object) error {
	name, _ := delegate["type"].(string)
	text, err := json.Marshal(delegate)
	if err != nil {
		return err
	}
	for _, folder := range filepath.SplitList(os.Getenv("CNI_PATH")) {
		program := filepath.Join(folder, filepath.Base(name))
		if _, err := os.Stat(program); err != nil {
			continue
		}
		child := exec.Command(program)
		child.Stdin, child.Stderr = bytes.NewReader(text), os.Stderr
		answer, err := child.Output()
		if err != nil && len(answer) == 0 {
			return fmt.Errorf("%s: %w", name, err)
		}
		os.Stdout.Write(answer)
		if err != nil {
			os.Exit(1) // the answer is the error of that plug-in
		}
		return nil
	}
	return fmt.Errorf("there is no plug-in %s in %s", name, os.Getenv("CNI_PATH"))
}
