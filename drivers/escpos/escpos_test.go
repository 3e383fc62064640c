package escpos_test

import (
	"testing"

	"pointnum/drivers/drivertest"
)

func TestTCP(t *testing.T)        { drivertest.ReceiptSuite(t, openTCP) }
func TestSerial(t *testing.T)     { drivertest.ReceiptSuite(t, openSerial) }
func TestDeviceFile(t *testing.T) { drivertest.ReceiptSuite(t, openFile) }
