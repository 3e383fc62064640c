package pdf

// metadata says which standard the file keeps and nothing else (ISO 19005-2,
// 6.6.4). It stays unpacked so that programs find it without reading PDF.
const metadata = "<?xpacket begin=\"\uFEFF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n" +
	`<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` +
	`<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">` +
	`<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>` +
	`</rdf:Description></rdf:RDF></x:xmpmeta>` + "\n<?xpacket end=\"r\"?>"

// archive writes what makes the file an archive: the catalog that names its
// metadata and what its colours mean (ISO 19005-2, 6.2.3).
func (f *Writer) archive() {
	f.begin(catalog)
	f.printf("<</Type/Catalog/Pages %d 0 R/Metadata %d 0 R/OutputIntents[<</Type/OutputIntent/S/GTS_PDFA1/OutputConditionIdentifier(sRGB)/Info(sRGB IEC61966-2.1)/DestOutputProfile %d 0 R>>]>>\nendobj\n",
		pageTree, catalogMetadata, outputProfile)
	f.begin(catalogMetadata)
	f.printf("<</Type/Metadata/Subtype/XML")
	f.stream([]byte(metadata))
	f.begin(outputProfile)
	f.packed("/N 3", profile())
}
