// Writes a small vulnerability database in Trivy's own format (trivy-db, bbolt) from advisories.json, because the public one cannot be fetched everywhere.
package main

import (
	"encoding/json"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/aquasecurity/trivy-db/pkg/db"
	"github.com/aquasecurity/trivy-db/pkg/metadata"
	"github.com/aquasecurity/trivy-db/pkg/types"
	"github.com/aquasecurity/trivy-db/pkg/vulnsrc/vulnerability"
	"go.etcd.io/bbolt"
)

// advisory is one entry of advisories.json: the vulnerability, and the package it is in.
type advisory struct {
	ID          string    `json:"id"`
	Title       string    `json:"title"`
	Description string    `json:"description"`
	Severity    string    `json:"severity"`
	Score       float64   `json:"score"`
	Vector      string    `json:"vector"`
	Weaknesses  []string  `json:"weaknesses"`
	Published   time.Time `json:"published"`
	References  []string  `json:"references"`
	Bucket      string    `json:"bucket"` // "maven" or "debian 11"
	Package     string    `json:"package"`
	VendorIDs   []string  `json:"vendor_ids"`
	Fixed       string    `json:"fixed"`
	Vulnerable  []string  `json:"vulnerable"`
	Patched     []string  `json:"patched"`
}

var sources = map[string]types.DataSource{
	"debian 11": {
		ID:   vulnerability.Debian,
		Name: "Debian Security Tracker",
		URL:  "https://salsa.debian.org/security-tracker-team/security-tracker",
	},
	"maven": {
		ID:   vulnerability.GHSA,
		Name: "GitHub Security Advisory Maven",
		URL:  "https://github.com/advisories?query=type%3Areviewed+ecosystem%3Amaven",
	},
}

func bucketName(bucket string) string {
	if bucket == "maven" {
		return "maven::" + sources[bucket].Name
	}
	return bucket
}

func write(tx *bbolt.Tx, entries []advisory) error {
	config := db.Config{}
	for bucket, source := range sources {
		if err := config.PutDataSource(tx, bucketName(bucket), source); err != nil {
			return err
		}
	}
	for _, entry := range entries {
		severity, err := types.NewSeverity(entry.Severity)
		if err != nil {
			return err
		}
		found := types.Advisory{
			VendorIDs:          entry.VendorIDs,
			FixedVersion:       entry.Fixed,
			VulnerableVersions: entry.Vulnerable,
			PatchedVersions:    entry.Patched,
		}
		if entry.Fixed == "" && len(entry.Patched) == 0 {
			found.Status = types.StatusAffected
		}
		if err := config.PutAdvisory(tx, []string{bucketName(entry.Bucket), entry.Package}, entry.ID, &found); err != nil {
			return err
		}
		published := entry.Published
		if err := config.PutVulnerability(tx, entry.ID, types.Vulnerability{
			Title:          entry.Title,
			Description:    entry.Description,
			Severity:       entry.Severity,
			CweIDs:         entry.Weaknesses,
			VendorSeverity: types.VendorSeverity{vulnerability.NVD: severity},
			CVSS:           types.VendorCVSS{vulnerability.NVD: {V3Vector: entry.Vector, V3Score: entry.Score}},
			References:     entry.References,
			PublishedDate:  &published,
		}); err != nil {
			return err
		}
	}
	return nil
}

func run(advisories, cache string) error {
	text, err := os.ReadFile(advisories)
	if err != nil {
		return err
	}
	var entries []advisory
	if err := json.Unmarshal(text, &entries); err != nil {
		return err
	}
	folder := filepath.Join(cache, "db")
	if err := db.Init(folder); err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if err := (db.Config{}).BatchUpdate(func(tx *bbolt.Tx) error { return write(tx, entries) }); err != nil {
		return err
	}
	now := time.Now().UTC()
	return metadata.NewClient(folder).Update(metadata.Metadata{
		Version:      db.SchemaVersion,
		UpdatedAt:    now,
		NextUpdate:   now.AddDate(1, 0, 0),
		DownloadedAt: now,
	})
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: trivy-db ADVISORIES.json CACHE_FOLDER")
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}
