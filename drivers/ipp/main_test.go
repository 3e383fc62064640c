package ipp_test

import (
	"os"
	"testing"

	"pointnum/drivers/drivertest"
)

func TestMain(m *testing.M) { os.Exit(drivertest.Main(m)) }
