// Words of many scripts, for payloads that hold text.
// Before it: SplitMix64. After it: records, text and nested.

/// Words by language.
enum Words {
    static let english = [
        "the", "queue", "holds", "a", "job", "until", "some", "worker", "takes", "it", "and", "answers", "message", "deliver",
        "letter",
        "river", "storm", "island", "quiet", "morning", "between", "harbour", "carries", "thousand", "window", "paper", "travel",
        "under",
    ]
    /// Scripts of one, two, three and four bytes a letter, and letters that join.
    static let scripts: [(language: String, words: [String])] = [
        ("en", english),
        ("de", ["Größe", "über", "Straße", "schön", "Wörter", "fließt", "müde", "Brücke", "heiß", "Öl", "und", "der", "läuft"]),
        ("fr", ["forêt", "déjà", "où", "naïve", "garçon", "l’été", "cœur", "à", "être", "vieille", "île", "noël"]),
        ("ru", ["очередь", "письмо", "работа", "ответ", "буря", "остров", "и", "между", "утро", "река", "тихо"]),
        ("el", ["ουρά", "νησί", "θύελλα", "πρωί", "και", "ποτάμι", "γράμμα", "ήσυχο"]),
        ("ar", ["رسالة", "عاصفة", "جزيرة", "صباح", "نهر", "بين", "عمل", "جواب"]),
        ("hi", ["संदेश", "तूफ़ान", "द्वीप", "सुबह", "नदी", "और", "काम", "उत्तर"]),
        ("zh", ["队列", "消息", "工作", "回答", "暴风雨", "岛", "早晨", "河", "安静", "之间"]),
        ("ja", ["待ち行列", "手紙", "仕事", "答え", "嵐", "島", "朝", "川", "静かな", "あいだ"]),
        ("ko", ["대기열", "편지", "작업", "대답", "폭풍", "섬", "아침", "강", "조용한"]),
        ("emoji", ["🌊", "📨", "⛵️", "👩‍🚀", "🌪️", "🏝️", "🧵", "✅"]),
    ]

    /// A sentence; in about one of twelve places something that JSON must escape.
    static func sentence(_ words: [String], _ count: Int, escapes: Bool, _ random: inout SplitMix64) -> String {
        var text = ""
        for index in 0..<count {
            if index > 0 { text += " " }
            let word = random.pick(words)
            switch escapes ? random.integer(0...23) : 23 {
            case 0: text += "\"\(word)\""
            case 1: text += "\(word)\n"
            case 2: text += "\(word)\\\(word)"
            default: text += word
            }
        }
        return text + "."
    }
}
