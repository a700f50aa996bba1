package main

import (
	"encoding/json"
	"os"
	"sync"
	"time"
)

// One JSON object a line: what this program says that happened.
type truthLog struct {
	mutex sync.Mutex
	file  *os.File
}

func openLog(path string) *truthLog {
	file, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	return &truthLog{file: file}
}

func (l *truthLog) write(entry map[string]any) {
	line, _ := json.Marshal(entry)
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.file.Write(append(line, '\n'))
}

func ms(since time.Time) float64 { return float64(time.Since(since).Nanoseconds()) / 1e6 }
