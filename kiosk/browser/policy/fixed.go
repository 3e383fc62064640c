package policy

// blocked is everything: what may be opened is in URLAllowlist. "*" does not
// cover Chromium's own pages, so they are named. devtools://* is how F12 and
// its relatives are refused: DeveloperToolsAvailability:2 and
// RemoteDebuggingAllowed:false would cut the agent's own pipe too.
func blocked() []string {
	return []string{
		"*",
		"chrome-extension://*",
		"chrome-search://*",
		"chrome-untrusted://*",
		"chrome://*",
		"devtools://*",
		"file:*",
		"filesystem:*",
		"javascript:*",
		"view-source:*",
	}
}

// fixed are the policies that do not depend on the catalogue.
func fixed() Policies {
	p := Policies{}
	for _, group := range []Policies{agent(), traces(), devices(), screen(), network(), own()} {
		for name, value := range group {
			p[name] = value
		}
	}
	return p
}

// agent is what the agent does itself, over DevTools. Each fails closed: when
// the agent is gone, files, downloads and prints are refused.
func agent() Policies {
	return Policies{
		"DeveloperToolsAvailability": 0, // see blocked
		"AllowFileSelectionDialogs":  false,
		"DownloadRestrictions":       3,
		"PromptForDownloadLocation":  false,
		"AlwaysOpenPdfExternally":    true, // so that a PDF is a download, which the agent takes
		"PrintingEnabled":            false,
	}
}

// traces is what Chromium would keep of a visit, or offer to the next one.
func traces() Policies {
	return Policies{
		"AutofillAddressEnabled":          false,
		"AutofillCreditCardEnabled":       false,
		"BrowserAddPersonEnabled":         false,
		"BrowserGuestModeEnabled":         false,
		"BrowserSignin":                   0,
		"ImportBookmarks":                 false,
		"IncognitoModeAvailability":       1,
		"PasswordLeakDetectionEnabled":    false,
		"PasswordManagerEnabled":          false,
		"PaymentMethodQueryEnabled":       false,
		"RestoreOnStartup":                5,
		"SavingBrowserHistoryDisabled":    true,
		"SyncDisabled":                    true,
		"WebRtcEventLogCollectionAllowed": false,
	}
}

// devices is what a page could ask the machine for.
func devices() Policies {
	return Policies{
		"AudioCaptureAllowed":                false,
		"DefaultClipboardSetting":            2,
		"DefaultDirectSocketsSetting":        2,
		"DefaultFileSystemReadGuardSetting":  2,
		"DefaultFileSystemWriteGuardSetting": 2,
		"DefaultGeolocationSetting":          2,
		"DefaultIdleDetectionSetting":        2,
		"DefaultLocalFontsSetting":           2,
		"DefaultNotificationsSetting":        2,
		"DefaultSensorsSetting":              2,
		"DefaultSerialGuardSetting":          2,
		"DefaultWebBluetoothGuardSetting":    2,
		"DefaultWebHidGuardSetting":          2,
		"DefaultWebUsbGuardSetting":          2,
		"DefaultWindowManagementSetting":     2,
		"EnableMediaRouter":                  false,
		"ScreenCaptureAllowed":               false,
		"VideoCaptureAllowed":                false,
	}
}

// screen is what would leave the portal's page, or puzzle its visitor.
// FullscreenAllowed is not among them: without it a window of --kiosk is none,
// and shows its tabs, its address and its menu (Chromium 156). The hook takes
// that API from pages.
func screen() Policies {
	return Policies{
		"AIModeSettings":                               1,
		"AllowDinosaurEasterEgg":                       false,
		"AlternateErrorPagesEnabled":                   false,
		"BlockExternalExtensions":                      true,
		"BookmarkBarEnabled":                           false,
		"BuiltInAIAPIsEnabled":                         false,
		"CommandLineFlagSecurityWarningsEnabled":       false,
		"DefaultBrowserSettingEnabled":                 false,
		"DefaultPopupsSetting":                         2,
		"DesktopSharingHubEnabled":                     false,
		"EditBookmarksEnabled":                         false,
		"ExtensionInstallBlocklist":                    []string{"*"},
		"ExternalProtocolDialogShowAlwaysOpenCheckbox": false,
		"PromotionsEnabled":                            false,
		"SandboxExternalProtocolBlocked":               true,
		"SearchContentSharingSettings":                 1,
		"ShowHomeButton":                               false,
		"SSLErrorOverrideAllowed":                      false,
		"TaskManagerEndProcessEnabled":                 false,
		"TranslateEnabled":                             false,
		"UserFeedbackAllowed":                          false,
	}
}

// network is what would go around the egress proxy, or past the portals.
func network() Policies {
	return Policies{
		"DnsOverHttpsMode":                 "off",
		"HttpsOnlyMode":                    "force_enabled",
		"LocalNetworkAccessAllowedForUrls": []string{},
		"LocalNetworkAccessBlockedForUrls": []string{"*"},
		// Chromium's 32 are soon taken by a portal and a mailbox that hold
		// their connections open.
		"MaxConnectionsPerProxy":   64,
		"NetworkPredictionOptions": 2,
		"QuicAllowed":              false,
		"WebRtcIPHandling":         "disable_non_proxied_udp",
	}
}

// own is what Chromium does by itself and sends to its maker.
func own() Policies {
	return Policies{
		"BackgroundModeEnabled":                   false,
		"BrowserNetworkTimeQueriesEnabled":        false,
		"ChromeVariations":                        2,
		"ComponentUpdatesEnabled":                 false,
		"DefaultSearchProviderEnabled":            false,
		"DomainReliabilityAllowed":                false,
		"IntranetRedirectBehavior":                1,
		"MetricsReportingEnabled":                 false,
		"SafeBrowsingProtectionLevel":             0,
		"SearchSuggestEnabled":                    false,
		"SpellcheckEnabled":                       false,
		"SpellCheckServiceEnabled":                false,
		"UrlKeyedAnonymizedDataCollectionEnabled": false,
		"WPADQuickCheckEnabled":                   false,
	}
}
