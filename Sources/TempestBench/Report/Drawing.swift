// The few shapes of SVG that the plot is made of.
// Before it: Plot, PlotPanel, and the plot of the loads. After it: a file for browsers.

/// A drawing; coordinates in pixels from the upper left.
package struct Drawing {
    private var shapes: [String] = []

    package init() {}

    package mutating func text(
        _ x: Int, _ y: Int, _ text: String, size: Int, fill: String = "#111", weight: String = "normal", anchor: String = "start"
    ) {
        // White around the letters: they stay legible on lines of the grid.
        shapes.append(
            #"<text x="\#(x)" y="\#(y)" font-size="\#(size)" font-weight="\#(weight)" fill="\#(fill)" text-anchor="\#(anchor)" "#
                + ##"stroke="#fff" stroke-width="3" paint-order="stroke">\##(Self.escaped(text))</text>"##)
    }

    package mutating func bar(_ x: Int, _ y: Int, _ width: Int, _ height: Int, fill: String, stroke: String) {
        shapes.append(#"<rect x="\#(x)" y="\#(y)" width="\#(width)" height="\#(height)" fill="\#(fill)" stroke="\#(stroke)"/>"#)
    }

    package mutating func frame(_ x: Int, _ y: Int, _ width: Int, _ height: Int) {
        shapes.append(
            ##"<rect x="\##(x)" y="\##(y)" width="\##(width)" height="\##(height)" rx="6" fill="#fff" stroke="#ccc"/>"##)
    }

    package mutating func line(_ x1: Int, _ y1: Int, _ x2: Int, _ y2: Int, stroke: String) {
        shapes.append(#"<line x1="\#(x1)" y1="\#(y1)" x2="\#(x2)" y2="\#(y2)" stroke="\#(stroke)"/>"#)
    }

    /// The file.
    package func svg(width: Int, height: Int) -> String {
        """
        <?xml version="1.0" encoding="UTF-8"?>
        <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" viewBox="0 0 \(width) \(height)" \
        font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif">
        <rect width="\(width)" height="\(height)" fill="#fff"/>
        \(shapes.joined(separator: "\n"))
        </svg>

        """
    }

    /// Text as XML holds it.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in Shown.name(text, most: 300).unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
