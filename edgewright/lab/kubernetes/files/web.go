// A small web application for tests: it reports its pod, resolves names, and stores texts on its volume.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	address, data := ":8080", "/data"
	if value := os.Getenv("LISTEN"); value != "" {
		address = value
	}
	if value := os.Getenv("DATA"); value != "" {
		data = value
	}
	name, _ := os.Hostname()
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "web %s\n", name)
	})
	http.HandleFunc("/resolve", func(w http.ResponseWriter, r *http.Request) {
		limited, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		addresses, err := net.DefaultResolver.LookupHost(limited, r.URL.Query().Get("name"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		for _, item := range addresses {
			fmt.Fprintln(w, item)
		}
	})
	http.HandleFunc("/data", func(w http.ResponseWriter, r *http.Request) {
		path := filepath.Join(data, "text")
		if r.Method == http.MethodPut {
			text, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
			if err == nil {
				err = store(path, text)
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
			return
		}
		text, err := os.ReadFile(path)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		w.Write(text)
	})
	go func() {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
		<-signals
		os.Exit(0)
	}()
	fmt.Fprintln(os.Stderr, "listening on", address)
	fmt.Fprintln(os.Stderr, http.ListenAndServe(address, nil))
	os.Exit(1)
}

// store writes a text so that it survives a power cut once the answer was sent.
func store(path string, text []byte) error {
	draft, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	if _, err = draft.Write(text); err == nil {
		err = draft.Sync()
	}
	if closed := draft.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}
