// A tour of Apus, section by section; run it with `swift run -c release Tutorial`.
for section in Tutorial.sections {
    print("== \(section.title)\n\(section.run())")
}
