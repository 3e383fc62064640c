package update

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"pointnum/provisioning"
)

// OSRelease is where a system says what it is (os-release(5)).
const OSRelease = "/usr/lib/os-release"

// ImageVersion is the version of the project's image that runs by a file as
// OSRelease; "" when it is another system, which is updated otherwise.
func ImageVersion(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("update: %w", err)
	}
	defer f.Close()
	values := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), "=")
		values[key] = strings.Trim(value, `"'`)
	}
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("update: %s: %w", path, err)
	}
	v := values["IMAGE_VERSION"]
	if id := values["IMAGE_ID"]; id != "" && id != Image || !provisioning.ValidVersion(v) {
		return "", nil
	}
	return v, nil
}
