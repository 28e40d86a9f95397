// Command digest prints the SHA-256 and the size of a tar of files: what packers in Go do to learn a layer's diff id. It is one
// sequential pass with Go's own archive/tar and crypto/sha256, in the order of filepath.WalkDir, with owners and times set to zero.
//
//	digest ROOT [PATH...]
//
// Without paths below ROOT it is all of it.
package main

import (
	"archive/tar"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "digest ROOT [PATH...]")
		os.Exit(2)
	}
	if err := digest(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func digest(root string, paths []string) error {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	sum := sha256.New()
	size := &counter{}
	writer := tar.NewWriter(io.MultiWriter(sum, size))
	for _, path := range paths {
		err := filepath.WalkDir(filepath.Join(root, path), func(path string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return add(writer, root, path)
		})
		if err != nil {
			return err
		}
	}
	if err := writer.Close(); err != nil {
		return err
	}
	fmt.Printf("sha256:%x %d\n", sum.Sum(nil), size.bytes)
	return nil
}

func add(writer *tar.Writer, root, path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	target := ""
	if info.Mode()&os.ModeSymlink != 0 {
		if target, err = os.Readlink(path); err != nil {
			return err
		}
	}
	header, err := tar.FileInfoHeader(info, target)
	if err != nil {
		return err
	}
	if header.Name, err = filepath.Rel(root, path); err != nil {
		return err
	}
	header.Uid, header.Gid, header.Uname, header.Gname = 0, 0, "", ""
	header.ModTime, header.AccessTime, header.ChangeTime = time.Unix(0, 0), time.Time{}, time.Time{}
	if err := writer.WriteHeader(header); err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(writer, file)
	return err
}

type counter struct{ bytes int64 }

func (c *counter) Write(bytes []byte) (int, error) {
	c.bytes += int64(len(bytes))
	return len(bytes), nil
}
