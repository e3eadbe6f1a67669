// Command pack writes a ZIP as Go's own tools write those of modules: with archive/zip, sizes behind the data.
//
// usage: pack ZIP PREFIX FOLDER
package main

import (
	"archive/zip"
	"io/fs"
	"log"
	"os"
	"path/filepath"
)

func main() {
	file, err := os.Create(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	writer := zip.NewWriter(file)
	root := os.DirFS(os.Args[3])
	err = fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		part, err := writer.Create(filepath.Join(os.Args[2], path))
		if err != nil {
			return err
		}
		_, err = part.Write(data)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		log.Fatal(err)
	}
}
