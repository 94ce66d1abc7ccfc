// Marble diagrams: what went in, the operator, and what came out, drawn as SVG from lines of
// marbles. Colours are readable on white and on black, as a page may be either.
#pragma once

#include <coir/testing/marbles.hpp>

#include <cstdio>
#include <string>
#include <vector>

namespace marble_diagrams {

using coir::marbles::event;
using coir::marbles::event_kind;
using coir::marbles::line;

// A source of which not everything was pulled shows the rest pale, and where it was left.
struct drawn_line {
    std::string label;
    line what;
    line seen; // of a source
    bool is_source = false;
};

struct diagram {
    std::string name; // of the file
    std::vector<drawn_line> above;
    std::string code;
    std::vector<drawn_line> below;
};

class svg {
public:
    explicit svg(diagram const& d) : diagram_{d} {
        for (auto const* side : {&d.above, &d.below}) {
            for (drawn_line const& l : *side) {
                label_ = (std::max)(label_, 14.0 + 7.5 * static_cast<double>(l.label.size()));
                columns_ = (std::max)(columns_, last_column(l.what) + 1);
                columns_ = (std::max)(columns_, last_column(l.seen) + 1);
            }
        }
        columns_ = (std::max)(columns_, (8.0 * static_cast<double>(d.code.size()) - 16) / dash);
    }

    std::string text() {
        double y = 22;
        for (drawn_line const& l : diagram_.above) {
            draw(l, y);
            y += row;
        }
        box(y - 4);
        y += row + 6;
        for (drawn_line const& l : diagram_.below) {
            draw(l, y);
            y += row;
        }
        ruler(y - 8);
        int const width = static_cast<int>(x_of(columns_) + 30);
        int const height = static_cast<int>(y + 14);
        return format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
                      "font-family=\"sans-serif\" font-size=\"13\">\n",
                      width, height, width, height) +
               out_ + "</svg>\n";
    }

private:
    static constexpr double row = 40;
    static constexpr double dash = 27;
    static constexpr double radius = 11;
    static constexpr char const* grey = "#7a7a7a";

    template <class... Args>
    static std::string format(char const* pattern, Args... args) {
        char buffer[600];
        std::snprintf(buffer, sizeof buffer, pattern, args...);
        return buffer;
    }
    template <class... Args>
    void add(char const* pattern, Args... args) {
        out_ += format(pattern, args...);
    }

    double column(coir::clock::duration at) const {
        return static_cast<double>(at.count()) / static_cast<double>(unit().count());
    }
    coir::clock::duration unit() const { return diagram_.below.front().what.dash(); }
    double last_column(line const& l) const { return l.events().empty() ? 0 : column(l.events().back().at); }
    double x_of(double col) const { return label_ + 14 + dash * col; }

    void draw(drawn_line const& l, double y) {
        add("<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\" fill=\"%s\">%s</text>\n", label_ - 6, y + 4, grey,
            escaped(l.label).c_str());
        bool const left = l.is_source && l.seen.ended() && is_left(*l.seen.ended());
        auto const& all = l.what.events();
        double const stop = left ? last_column(l.seen) : l.what.ended() ? last_column(l.what) : columns_;
        axis(stop, y, !l.what.ended() && !left);
        if (left && last_column(l.what) > stop) {
            add("<path d=\"M%.1f %.0fH%.1f\" stroke=\"%s\" stroke-width=\"1.5\" stroke-dasharray=\"2 4\" "
                "opacity=\"0.6\"/>\n",
                x_of(stop), y, x_of(last_column(l.what)), grey);
        }
        std::size_t const pulled = left ? l.seen.events().size() - 1 : all.size();
        // From the last one, so that of those at one moment the first is on top.
        for (std::size_t i = all.size(); i-- != 0;) {
            bool const pale = i >= pulled;
            out_ += pale ? "<g opacity=\"0.3\">\n" : "";
            mark(all[i], x_of(column(all[i].at)) + place_at_its_moment(all, i), y);
            out_ += pale ? "</g>\n" : "";
        }
        if (left) {
            mark(l.seen.events().back(), x_of(stop), y);
        }
    }

    static bool is_left(event_kind k) { return k == event_kind::interruption || k == event_kind::closing; }

    // Elements of one moment are drawn side by side, its end behind them.
    static double place_at_its_moment(std::vector<event> const& all, std::size_t i) {
        double x = 0;
        for (std::size_t k = i; k-- != 0 && all[k].at == all[i].at;) {
            bool const is_mark = all[k + 1].what != event_kind::element;
            x += half_width(all[k]) + (is_mark ? 5 : half_width(all[k + 1]) - 5);
        }
        return x;
    }

    void axis(double stop, double y, bool goes_on) {
        double const end = goes_on ? x_of(columns_) + 14 : x_of(stop);
        add("<path d=\"M%.1f %.0fH%.1f\" stroke=\"%s\" stroke-width=\"1.5\"/>\n", label_, y, end, grey);
        if (goes_on) {
            add("<path d=\"M%.1f %.1fl6 4l-6 4\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\"/>\n", end - 6, y - 4,
                grey);
        }
    }

    static double half_width(event const& e) {
        return (std::max)(radius, 5 + 3.9 * static_cast<double>(e.name.size()));
    }

    void mark(event const& e, double x, double y) {
        switch (e.what) {
        case event_kind::element: return marble(e, x, y);
        case event_kind::end:
            add("<path d=\"M%.1f %.1fv24\" stroke=\"%s\" stroke-width=\"3\"/>\n", x, y - 12, grey);
            return;
        case event_kind::failure:
        case event_kind::defect:
            add("<path d=\"M%.1f %.1fl16 16m0 -16l-16 16\" stroke=\"#d23f3f\" stroke-width=\"3\"/>\n", x - 8, y - 8);
            note(e.name, "#d23f3f", x + 12, y);
            return;
        case event_kind::interruption:
            add("<path d=\"M%.1f %.1fl-6 22m5 0l6 -22\" stroke=\"#d9822b\" stroke-width=\"2.5\"/>\n", x, y - 11);
            return;
        case event_kind::closing:
            add("<path d=\"M%.1f %.1fl-6 22\" stroke=\"%s\" stroke-width=\"2.5\"/>\n", x + 3, y - 11, grey);
            return;
        }
    }

    void note(std::string const& name, char const* colour, double x, double y) {
        if (!name.empty()) {
            add("<text x=\"%.1f\" y=\"%.1f\" fill=\"%s\">%s</text>\n", x, y - 8, colour, escaped(name).c_str());
        }
    }

    void marble(event const& e, double x, double y) {
        double const half = half_width(e);
        add("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.0f\" rx=\"%.0f\" fill=\"%s\" stroke=\"white\"/>\n",
            x - half, y - radius, 2 * half, 2 * radius, radius, colour(e.name));
        add("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" fill=\"white\">%s</text>\n", x, y + 4.5,
            escaped(e.name).c_str());
    }

    // The same name has the same colour in all lines; long names are grey.
    static char const* colour(std::string const& name) {
        static constexpr char const* all[] = {"#3b78c9", "#b8612a", "#3f8f4f", "#8e5bc4", "#c0457a", "#2a8a93"};
        if (name.size() != 1) {
            return "#5f6f80";
        }
        bool const is_digit = name[0] >= '0' && name[0] <= '9';
        return all[static_cast<unsigned char>(is_digit ? name[0] - '0' + 4 : name[0] - 'A') % 6];
    }

    void box(double y) {
        double const x = label_;
        add("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"28\" rx=\"6\" fill=\"%s\" fill-opacity=\"0.12\" "
            "stroke=\"%s\"/>\n",
            x, y - 12, x_of(columns_) + 14 - x, grey, grey);
        add("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" font-family=\"monospace\" fill=\"%s\">%s</text>\n",
            (x + x_of(columns_) + 14) / 2, y + 6.5, grey, escaped(diagram_.code).c_str());
    }

    void ruler(double y) {
        for (int col = 0; col <= static_cast<int>(columns_); ++col) {
            bool const labelled = col % 5 == 0;
            add("<path d=\"M%.1f %.1fv%d\" stroke=\"%s\" opacity=\"0.7\"/>\n", x_of(col), y - 10, labelled ? 6 : 3,
                grey);
            if (labelled) {
                add("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" font-size=\"11\" fill=\"%s\">%s</text>\n",
                    x_of(col), y + 9, grey, col == 0 ? "0" : coir::detail::duration_text(col * unit()).c_str());
            }
        }
    }

    static std::string escaped(std::string const& text) {
        std::string out;
        for (char const c : text) {
            out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
        }
        return out;
    }

    diagram const& diagram_;
    std::string out_;
    double label_ = 0;
    double columns_ = 0;
};

} // namespace marble_diagrams
